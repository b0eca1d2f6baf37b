"""The requirements of a generated project, held against those that a person allows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.behaviour.project import Project
from harness.errors import BadInputError

__all__ = ["Granted", "check_allowed", "granted"]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===|==|~=|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+"
# Names and versions: no path, no URL, no option.
_REQUIREMENT = re.compile(rf"({_NAME})\s*(?:\[[A-Za-z0-9._,\s-]*\])?\s*(?:{_VERSION}(?:\s*,\s*{_VERSION})*)?")
_NAMED = re.compile(rf"\s*({_NAME})")
_REQUIREMENTS = "requirements.txt"
_PYTEST = "pytest"


@dataclass(frozen=True, slots=True)
class Granted:
    """What a project is given of what it names, in the person's words; and the names of what it is not."""

    given: tuple[str, ...]
    refused: tuple[str, ...]


def check_allowed(allow: Iterable[str]) -> None:
    """Look whether all of `allow` can be allowed; `BadInputError` for what is no plain requirement."""
    for _ in _read(allow):
        pass


def granted(project: Project, allow: Iterable[str]) -> Granted:
    """Which of `allow` the project is given: what it names in requirements.txt; without one, what it imports.

    For its tests it is given pytest. Raises `BadInputError` for what is no plain requirement.
    """
    allowed = {_normalised(name): requirement for name, requirement in _read(allow)}
    named = [*_named(project)]
    wanted = {_normalised(name) for name in named}
    if project.tests:
        wanted.add(_PYTEST)
    return Granted(
        given=tuple(requirement for name, requirement in sorted(allowed.items()) if name in wanted),
        refused=tuple(name for name in dict.fromkeys(named) if _normalised(name) not in allowed),
    )


def _read(allow: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in allow:
        found = _REQUIREMENT.fullmatch(text.strip())
        if found is None:
            raise BadInputError(
                f"allow: {text!r} is not the name of a package, alone or with a version (flask, flask==3.1.*)"
            )
        yield found[1], text.strip()


def _named(project: Project) -> Iterator[str]:
    if _REQUIREMENTS not in project.files:
        yield from sorted(project.foreign_imports)
        return
    for line in project.files[_REQUIREMENTS].decode(errors="replace").splitlines():
        found = _NAMED.match(line)
        if found is not None:
            yield found[1]


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
