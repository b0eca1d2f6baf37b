"""Reading specs from files, folders and multi-document YAML, with errors that name file, line and key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import BadInputError
from harness.spec.spec import Expectations, ModuleSpec, Spec

__all__ = ["find_specs"]

_KNOWN: dict[str, type[BaseModel]] = {"modules": ModuleSpec, "expect": Expectations}


def find_specs(paths: Iterable[Path]) -> list[Spec]:
    """Every spec in `paths`: files, each document in them, and the .yaml and .yml files of folders.

    Raises `BadInputError` that names file, line and key for the first thing that is wrong.
    """
    return [spec for path in paths for file in _files(path) for spec in _read(file)]


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise BadInputError(f"{path}: there is no such file or folder; give a spec.yaml")
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml"))
    if not files:
        raise BadInputError(f"{path}: the folder holds no .yaml file")
    return files


def _read(file: Path) -> Iterator[Spec]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInputError(f"{file}: cannot be read: {reason}") from error
    try:
        nodes = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
        documents = [data for data in yaml.safe_load_all(text) if data is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInputError(f"{file}:{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from error
    if not documents:
        raise BadInputError(f"{file}: holds no spec; it needs at least name and idea")
    for node, data in zip(nodes, documents, strict=True):
        _refuse_doubled_keys(file, node)
        if not isinstance(data, dict):
            raise BadInputError(f"{file}:{_line(node)}: a spec is a mapping with name and idea")
        try:
            yield Spec.model_validate(data)
        except ValidationError as error:
            raise BadInputError(_explain(file, node, error)) from error


def _refuse_doubled_keys(file: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_doubled_keys(file, item)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                raise BadInputError(f"{file}:{_line(key)}: the key '{key.value}' stands here twice")
            seen.add(key.value)
            _refuse_doubled_keys(file, value)


def _explain(file: Path, document: yaml.Node, error: ValidationError) -> str:
    """The first problem as one line: where, which key, what is wrong, what would be right."""
    problem = error.errors()[0]
    location: tuple[int | str, ...] = problem.get("ctx", {}).get("location") or problem["loc"]
    place = f"{file}:{_line(_node_at(document, location))}"
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown key '{key}'{_suggestion(location)}"
    if problem["type"] == "missing":
        return f"{place}: the key '{key}' is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {key}: {message}" if key else f"{place}: {message}"


def _suggestion(location: Sequence[int | str]) -> str:
    owner = str(location[0]) if len(location) > 1 else ""
    known = list(_KNOWN.get(owner, Spec).model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(known)}"


def _node_at(node: yaml.Node, location: Sequence[int | str]) -> yaml.Node:
    """The node that `location` leads to, or the last one on the way there."""
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                return node
            key, value = found
            node = value if isinstance(value, yaml.CollectionNode) else key
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
    return node


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
