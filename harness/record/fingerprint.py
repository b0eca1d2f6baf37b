"""The fingerprint of a run: of all that made it what it is, so that evidence counts for this code only."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from async_arch.template_folder import TEMPLATES

__all__ = [
    "ABSENT",
    "Fingerprint",
    "differing_parts",
    "digest_of",
    "newest_source",
    "source_digests",
    "tasks_code",
    "templates_digest",
]

ABSENT = "absent"
"""The digest of sources that are not there."""

_PACKAGES = ("agents", "legacy", "async_arch", "harness.engines")
# What is built from the sources and says nothing of them.
_NOT_SOURCES = frozenset({"__pycache__"})


class Fingerprint(BaseModel):
    """Digests, each of one thing that a run depends on."""

    model_config = ConfigDict(frozen=True)

    sources: dict[str, str]
    """Of the code of each package, by name; `absent` where the package has been deleted."""
    spec: str
    flags: str
    """Of the flags that the engine was composed of."""
    model: str
    """Of the model's kind, name and weights, as far as they are known, and of its fault rules."""
    cassette: str | None = None
    """Of the cassette that the answers came from; None where they did not come from one."""


def differing_parts(one: Fingerprint, other: Fingerprint) -> tuple[str, ...]:
    """In what two fingerprints differ: `sources of async_arch`, `spec`, `model`."""
    packages = dict.fromkeys([*one.sources, *other.sources])
    sources = [f"sources of {name}" for name in packages if one.sources.get(name) != other.sources.get(name)]
    parts = [
        part for part in ("spec", "flags", "model", "cassette") if getattr(one, part) != getattr(other, part)
    ]
    return (*sources, *parts)


def digest_of(value: object) -> str:
    """The digest of what JSON can hold, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@cache
def source_digests() -> Mapping[str, str]:
    """The digest of the sources of each package of the engines, as they were when first asked for."""
    packages = {name: _digest_of_package(name) for name in _PACKAGES}
    return {**packages, "templates": _digest(_files_in(TEMPLATES))}


def _digest_of_package(name: str) -> str:
    return _digest(_files_of(name))


def templates_digest(overrides: Path | None) -> Mapping[str, str]:
    """The digest of the templates that take the place of ours, where there are any."""
    return {"templates given": _digest(_files_in(overrides))} if overrides is not None else {}


def tasks_code(overrides: Path | None) -> str:
    """The digest of all code that does tasks: workers do those of builds with the same, and no others."""
    sources = source_digests()
    doing = {name: sources[name] for name in ("agents", "async_arch", "templates")}
    return digest_of({**doing, **templates_digest(overrides)})


def newest_source() -> datetime:
    """When a source of the engines was changed last."""
    files = [*(found for name in _PACKAGES for found in _files_of(name)), *_files_in(TEMPLATES)]
    times = [path.stat().st_mtime for _, path in files]
    return datetime.fromtimestamp(max(times, default=0.0), UTC)


def _digest(found: Iterable[tuple[Path, Path]]) -> str:
    files = list(found)
    digest = hashlib.sha256()
    for within, path in files:
        digest.update(f"{within.as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest() if files else ABSENT


def _files_of(name: str) -> Iterator[tuple[Path, Path]]:
    """The sources of a package, each with its path within; nothing where the package is not there.

    Templates, which a wheel has inside a package, are not among them.
    """
    found = importlib.util.find_spec(name)
    for root in map(Path, (found and found.submodule_search_locations) or ()):
        for within, path in _files_in(root):
            if TEMPLATES not in path.parents:
                yield within, path


def _files_in(root: Path) -> Iterator[tuple[Path, Path]]:
    for path in sorted(root.rglob("*")):
        within = path.relative_to(root)
        if path.is_file() and not _NOT_SOURCES & set(within.parts):
            yield within, path
