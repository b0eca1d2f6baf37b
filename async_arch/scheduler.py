"""The scheduler: starts each task as soon as what it needs is done, the critical path first.

How many tasks work at once is bounded. When more are ready than may work, the one with the most work
behind it goes first: its own estimated weight and that of the longest chain of tasks that wait for it.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from agents.roles import Role
from agents.workflow import Task

__all__ = ["PrioritySlots", "path_weights", "run_concurrently", "run_in_order"]

Tasks = Mapping[Task, tuple[Task, ...]]

# Output tokens that a role typically takes: what a call costs is mostly its answer.
_WEIGHTS = {
    Role.ANALYST: 400,
    Role.AUDITOR: 60,
    Role.ARCHITECT: 300,
    Role.DEVELOPER: 900,
    Role.REVIEWER: 250,
    Role.OPTIMIZER: 500,
    Role.FRONTEND_DEVELOPER: 900,
    Role.INTEGRATOR: 500,
    Role.DEBUGGER: 30,
}


class PrioritySlots:
    """A bounded number of slots; of those who wait, the highest priority is next, then the first to come."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"slots must be at least 1, not {count}")
        self._free = count
        self._arrivals = 0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def hold(self, priority: float) -> AsyncIterator[None]:
        """Hold a slot for the length of the block."""
        await self._acquire(priority)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, priority: float) -> None:
        if self._free and not self._waiting:
            self._free -= 1
            return
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, (-priority, self._arrivals, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._release()
            raise

    def _release(self) -> None:
        while self._waiting:
            _, _, granted = heapq.heappop(self._waiting)
            if not granted.done():
                granted.set_result(None)
                return
        self._free += 1


def path_weights(tasks: Tasks) -> dict[Task, float]:
    """For each task the estimated weight of the longest chain that starts with it.

    `tasks` maps each task to those it needs, which come before it.
    """
    weights: dict[Task, float] = {}
    behind: dict[Task, float] = dict.fromkeys(tasks, 0.0)
    for task in reversed(list(tasks)):
        weights[task] = behind[task] + _WEIGHTS[task.role]
        for need in tasks[task]:
            behind[need] = max(behind[need], weights[task])
    return weights


async def run_concurrently(tasks: Tasks, work: Callable[[Task], Awaitable[bool]]) -> None:
    """Await `work` for every task as soon as all it needs have returned True.

    A task that needs one for which `work` returned False is not begun. An exception of `work` cancels what
    is under way.
    """
    dependents: dict[Task, list[Task]] = {task: [] for task in tasks}
    missing = {task: len(needs) for task, needs in tasks.items()}
    for task, needs in tasks.items():
        for need in needs:
            dependents[need].append(task)

    async with asyncio.TaskGroup() as group:

        async def run(task: Task) -> None:
            if not await work(task):
                return
            for dependent in dependents[task]:
                missing[dependent] -= 1
                if not missing[dependent]:
                    group.create_task(run(dependent), name=str(dependent))

        for task, count in missing.items():
            if not count:
                group.create_task(run(task), name=str(task))


async def run_in_order(tasks: Tasks, work: Callable[[Task], Awaitable[bool]]) -> None:
    """Await `work` for one task after another, in the order given; skips as `run_concurrently` does."""
    done: set[Task] = set()
    for task, needs in tasks.items():
        if done.issuperset(needs) and await work(task):
            done.add(task)
