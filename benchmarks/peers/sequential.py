"""One task after the other, as the legacy engine works."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.peers.course import Course, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer

__all__ = ["opened"]


async def _run(tasks: Tasks, slots: int | None, scale: float) -> Course:
    begun_s = time.monotonic()
    spans = [await answer(task, scale) for task in tasks]
    return Course(time.monotonic() - begun_s, tuple(spans))


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """A scheduler that needs nothing."""
    yield _run
