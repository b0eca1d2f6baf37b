"""The floor, with a heap: of the ready tasks, the one with the longest path to the end is begun first."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.workflow import Task
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer
from benchmarks.workload import duration_s

__all__ = ["opened"]


class _Schedule:
    """The state of one run. No task waits in a coroutine: one is made when its task is begun."""

    def __init__(self, tasks: Tasks, slots: int | None, scale: float) -> None:
        self._scale = scale
        self._free = slots or len(tasks)
        self._missing = {task: len(needs) for task, needs in tasks.items()}
        self._dependents: defaultdict[Task, list[Task]] = defaultdict(list)
        for task, needs in tasks.items():
            for need in needs:
                self._dependents[need].append(task)
        self._ranks: dict[Task, tuple[float, int]] = {}
        for place, task in reversed(list(enumerate(tasks))):
            behind = min((self._ranks[after][0] for after in self._dependents[task]), default=0.0)
            self._ranks[task] = (behind - duration_s(task), place)
        self._ready = [(self._ranks[task], task) for task, count in self._missing.items() if not count]
        heapq.heapify(self._ready)
        self.spans: list[Span] = []

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._begin(group)

    def _begin(self, group: asyncio.TaskGroup) -> None:
        while self._ready and self._free:
            self._free -= 1
            group.create_task(self._do(heapq.heappop(self._ready)[1], group))

    async def _do(self, task: Task, group: asyncio.TaskGroup) -> None:
        self.spans.append(await answer(task, self._scale))
        self._free += 1
        for dependent in self._dependents[task]:
            self._missing[dependent] -= 1
            if not self._missing[dependent]:
                heapq.heappush(self._ready, (self._ranks[dependent], dependent))
        self._begin(group)


async def _run(tasks: Tasks, slots: int | None, scale: float) -> Course:
    begun_s = time.monotonic()
    schedule = _Schedule(tasks, slots, scale)
    await schedule.run()
    return Course(time.monotonic() - begun_s, tuple(schedule.spans))


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """A scheduler that needs nothing."""
    yield _run
