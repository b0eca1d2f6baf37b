"""The sandbox of this machine for tests, which are skipped where the machine has none, and only there."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from functools import cache

import pytest

from harness.sandbox import Sandbox, SandboxUnavailable, find_sandbox
from harness.sandbox.bubblewrap import Bubblewrap
from harness.sandbox.namespaces import Namespaces
from harness.sandbox.wall import Wall

__all__ = ["have_sandbox"]

# The same, by another's program.
_OTHERS: dict[type[Wall], list[str]] = {
    Namespaces: ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "true"],
    Bubblewrap: ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"],
}


def have_sandbox(*walls: type[Wall]) -> Sandbox:
    """The sandbox by the first of `walls` that holds.

    Where none does and the machine could have had one, that is no reason to skip a test: it is a fault.
    """
    found = _tried(walls)
    if isinstance(found, Sandbox):
        return found
    if any(wall().missing() is None and _works(wall) for wall in walls):
        pytest.fail(found)
    pytest.skip(found)


@cache
def _tried(walls: tuple[type[Wall], ...]) -> Sandbox | str:
    try:
        return asyncio.run(find_sandbox([wall() for wall in walls]))
    except SandboxUnavailable as error:
        return str(error)


@cache
def _works(wall: type[Wall]) -> bool:
    program, *arguments = _OTHERS[wall]
    found = shutil.which(program)
    return found is not None and not subprocess.run([found, *arguments], timeout=20, check=False).returncode
