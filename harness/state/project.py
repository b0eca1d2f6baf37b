"""A project of some engine: a folder in which it keeps a blackboard, and the name of its mirror in Redis."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from harness.errors import BadInputError

__all__ = ["Project", "find_projects", "project_at", "safe_name"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PLACES = (Path("blackboard.json"), Path(".factory", "blackboard.json"))
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Project:
    """A project: where its blackboard is or will be, and under which run id Redis has the mirror of it."""

    path: Path
    """The resolved path of its folder, or of the file where that is called otherwise than a blackboard."""
    run: str
    file: Path | None = None
    """The blackboard, where a person named the file itself."""

    @property
    def places(self) -> tuple[Path, ...]:
        """Where the blackboard may be."""
        return (self.file,) if self.file else tuple(self.path / place for place in _PLACES)

    @property
    def board(self) -> Path | None:
        """Where it is; None as long as there is none. `BadInputError` where there are two."""
        there = [place for place in self.places if place.is_file()]
        if len(there) > 1:
            raise BadInputError(f"{self.path}: has two blackboards; name the file that is meant: {there[0]}")
        return there[0] if there else None


def project_at(path: Path, name: str | None = None) -> Project:
    """The project in the folder, or with the blackboard, at `path`; `name` is its run id, if given.

    What once was there counts too, since a mirror can outlive its project.
    """
    if name is not None and not _NAME.fullmatch(name):
        raise BadInputError(
            f"--as {name}: letters, digits, dots, dashes and underscores, at most 100, would do"
        )
    try:
        resolved = path.resolve()
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from error
    file = None
    if path.is_file() or (not path.exists() and path.suffix == ".json"):
        file = resolved
        for place in _PLACES:
            if file.parts[-len(place.parts) :] == place.parts:
                resolved = file.parents[len(place.parts) - 1]
    return Project(resolved, name or _run_id(resolved), file)


def find_projects(
    paths: Sequence[Path], name: str | None = None, known: Collection[Path] = ()
) -> list[Project]:
    """The projects at `paths`; a folder of projects stands for those in it, in the order of their names.

    Those that are `known`, by the paths of projects, need not have a blackboard any more.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for each in _projects_in(path, known):
            key = project_at(each).path
            if key in found:
                raise BadInputError(f"{each}: is there twice, the other time as {found[key]}")
            found[key] = each
    if name is not None and len(found) > 1:
        raise BadInputError(f"--as {name}: is one name, and there are {len(found)} projects")
    return [project_at(path, name) for path in found.values()]


def safe_name(text: str) -> str:
    """`text` as part of a file's name or a key."""
    letters = (letter if letter.isalnum() or letter in "_.-" else "-" for letter in text)
    return "".join(letters)[:_LONGEST] or "-"


def _projects_in(path: Path, known: Collection[Path]) -> Iterator[Path]:
    if path.is_file() or _is_project(path, known):
        yield path
        return
    if not path.exists():
        raise BadInputError(f"{path}: no such file or folder")
    try:
        below = sorted(entry for entry in path.iterdir() if entry.is_dir() and _is_project(entry, known))
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from error
    if not below:
        raise BadInputError(f"{path}: neither it nor a folder in it has a blackboard.json")
    yield from below


def _is_project(path: Path, known: Collection[Path]) -> bool:
    return any((path / place).is_file() for place in _PLACES) or project_at(path).path in known


def _run_id(path: Path) -> str:
    """The folder's name for people, and what tells folders of one name apart."""
    named = path if path.suffix != ".json" else path.parent
    return f"{safe_name(named.name)}-{sha256(os.fsencode(path)).hexdigest()[:8]}"
