"""The lock of a run: whoever works on it holds its folder, and lets go of it however the process ends."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["RunLocked", "is_locked", "locked_run"]

_PAUSES_S = (0.01, 0.05, 0.25)
"""Others may only be looking whether it is locked."""


class RunLocked(Exception):
    """Another process holds the run."""


@asynccontextmanager
async def locked_run(folder: Path) -> AsyncIterator[None]:
    """Hold the run in `folder` while the block lasts; raises `RunLocked` where another process does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for pause_s in (*_PAUSES_S, None):
            if _taken(descriptor, fcntl.LOCK_EX):
                break
            if pause_s is None:
                raise RunLocked(f"another process holds {folder}")
            await asyncio.sleep(pause_s)
        yield
    finally:
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a process works on the run in `folder`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return not _taken(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
