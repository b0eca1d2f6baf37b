"""The floor: asyncio alone. Every task is a coroutine that waits for those of its needs, then for a slot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.workflow import Task
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer, free_slots

__all__ = ["opened"]


async def _run(tasks: Tasks, slots: int | None, scale: float) -> Course:
    free = free_slots(slots)
    doing: dict[Task, asyncio.Task[Span]] = {}

    async def do(task: Task) -> Span:
        for need in tasks[task]:
            await doing[need]
        async with free:
            return await answer(task, scale)

    begun_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for task in tasks:
            doing[task] = group.create_task(do(task))
    return Course(time.monotonic() - begun_s, tuple(done.result() for done in doing.values()))


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """A scheduler that needs nothing."""
    yield _run
