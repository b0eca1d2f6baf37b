"""Commands for a sandbox, in Python, and a look for the processes that they leave."""

from __future__ import annotations

from pathlib import Path

from harness.sandbox import Limits, SandboxJob
from harness.sandbox.view import KEEPER_PYTHON

__all__ = ["program", "running"]


def program(
    code: str, *, limits: Limits | None = None, files: dict[str, bytes] | None = None, given: str = ""
) -> SandboxJob:
    """A job that runs `code`."""
    command = (str(KEEPER_PYTHON), "-I", "-S", "-c", code)
    return SandboxJob(command, files=files or {}, given=given, limits=limits or Limits(wall_s=20.0))


def running(mark: str) -> list[int]:
    """The processes of this machine with `mark` on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
