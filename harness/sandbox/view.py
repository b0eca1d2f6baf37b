"""The view from inside a sandbox: what is shown of the file system. All that is not named is not there."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.sandbox.job import PROJECT, SandboxJob

__all__ = ["KEEPER_PYTHON", "NOBODY", "SCRIPTS", "View", "view_of"]

NOBODY = 65534
"""The user inside."""

SCRIPTS = Path(__file__).parent / "inside"

KEEPER_PYTHON = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
"""The Python that the scripts are run with: without any environment, so that none has to be shown."""

_MOST_STEPS = 256

# What programs need to run, and everybody may read. Of /etc no more than that: it holds secrets.
_SYSTEM = ("/usr", "/nix/store", "/etc/ld.so.cache", "/etc/alternatives")
_LINKED = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


@dataclass(frozen=True, slots=True)
class View:
    """What is shown, by its path inside."""

    binds: Mapping[str, str]
    """Files and folders of the machine, that can be read only."""
    links: Mapping[str, str]
    folders: Mapping[str, int]
    """Empty folders in memory that can be written in, and how many bytes they hold."""


def view_of(job: SandboxJob) -> View:
    """What the command of `job` sees."""
    linked = [Path(path) for path in _LINKED if Path(path).exists()]
    shown = [
        *(Path(path) for path in _SYSTEM if Path(path).exists()),
        *(path for path in linked if not path.is_symlink()),
        Path(sys.base_prefix),
        *job.shown,
    ]
    own = {f"/etc/{path.name}": str(path) for path in (SCRIPTS / "etc").iterdir()}
    binds = _outermost({str(path.resolve()): str(path.resolve()) for path in shown} | own)
    passed = [*linked, KEEPER_PYTHON, Path(job.command[0]), *shown]
    links = {link: target for path in passed for link, target in _links_on(path)}
    disk = job.limits.disk
    return View(
        binds=binds,
        links={link: target for link, target in links.items() if _above(link, binds) is None},
        folders={PROJECT: disk, "/tmp": disk, "/dev/shm": disk},  # noqa: S108 (the sandbox's own)
    )


def _links_on(path: Path) -> Iterator[tuple[str, str]]:
    """Every link that is passed on the way to what `path` leads to, and where it points."""
    waiting, way = list(reversed(path.absolute().parts[1:])), Path("/")
    steps = 0
    while waiting and steps < _MOST_STEPS:
        steps += 1
        part = waiting.pop()
        way = way.parent if part == ".." else way / part
        if way.is_symlink():
            target = way.readlink()
            yield str(way), str(target)
            way = Path("/") if target.is_absolute() else way.parent
            waiting += [step for step in reversed(target.parts) if step != "/"]


def _above(path: str, binds: Iterable[str]) -> str | None:
    """The bind that shows what lies at `path`."""
    return next((shown for shown in binds if path.startswith(f"{shown}/")), None)


def _outermost(binds: Mapping[str, str]) -> dict[str, str]:
    """`binds` without those that another shows already."""
    return {shown: real for shown, real in sorted(binds.items()) if _above(shown, binds) is None}
