"""Reading specs from files, folders and multi-document YAML."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.errors import BadInputError
from harness.spec.documents import DocumentKind, read_documents
from harness.spec.spec import Expectations, ModuleSpec, Spec

__all__ = ["find_spec", "find_specs"]

_SPEC = DocumentKind(Spec, "spec", "name and idea", {"modules": ModuleSpec, "expect": Expectations})


def find_specs(paths: Iterable[Path]) -> list[Spec]:
    """Every spec in `paths`: files, each document in them, and the .yaml and .yml files of folders.

    Raises `BadInputError` that names file, line and key for the first thing that is wrong.
    """
    specs: list[Spec] = []
    places: dict[str, str] = {}
    for place, spec in (
        found for path in paths for file in _files(path) for found in read_documents(file, _SPEC)
    ):
        if spec.name in places:
            raise BadInputError(f"{place}: name: {spec.name!r} is the name of {places[spec.name]} already")
        places[spec.name] = place
        specs.append(spec)
    return specs


def find_spec(path: Path) -> Spec:
    """The one spec in the file `path`; `BadInputError` where there are several, or something is wrong."""
    specs = find_specs([path])
    if len(specs) != 1:
        raise BadInputError(f"{path}: holds {len(specs)} specs; give a file with one")
    return specs[0]


def _files(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml"))
        elif path.exists():
            files = [path]
        else:
            raise BadInputError(f"{path}: there is no such file or folder; give a spec.yaml")
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    if not files:
        raise BadInputError(f"{path}: the folder holds no .yaml file")
    return files
