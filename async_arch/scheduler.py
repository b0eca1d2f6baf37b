"""The scheduler: starts tasks as soon as what they need is done, a bounded number at once."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Mapping

from agents.workflow import Task

__all__ = ["run_concurrently", "run_in_order"]

Tasks = Mapping[Task, tuple[Task, ...]]
Work = Callable[[Task], Awaitable[bool]]


async def run_concurrently(tasks: Tasks, work: Work, *, at_once: int, path: Callable[[Task], float]) -> None:
    """Await `work` for every task as soon as all it needs have returned True, at most `at_once` at a time.

    Of the tasks that are ready, the one with the longest `path` goes first, then the first in `tasks`. A
    place that becomes free is given away only after the tasks that the finished one made ready have joined
    the others: the next step of the critical path is often among them. A task that needs one for which
    `work` returned False is not begun. An exception of `work` cancels what is under way.
    """
    if at_once < 1:
        raise ValueError(f"at least 1 task must work at once, not {at_once}")
    dependents: dict[Task, list[Task]] = {task: [] for task in tasks}
    missing = {task: len(needs) for task, needs in tasks.items()}
    places = {task: place for place, task in enumerate(tasks)}
    for task, needs in tasks.items():
        for need in needs:
            dependents[need].append(task)
    ready: list[tuple[float, int, Task]] = []
    working = 0

    def make_ready(task: Task) -> None:
        heapq.heappush(ready, (-path(task), places[task], task))

    async with asyncio.TaskGroup() as group:

        def start() -> None:
            nonlocal working
            while ready and working < at_once:
                task = heapq.heappop(ready)[-1]
                working += 1
                group.create_task(run(task), name=str(task))

        async def run(task: Task) -> None:
            nonlocal working
            done = await work(task)
            working -= 1
            for dependent in dependents[task] if done else ():
                missing[dependent] -= 1
                if not missing[dependent]:
                    make_ready(dependent)
            start()

        for task, count in missing.items():
            if not count:
                make_ready(task)
        start()


async def run_in_order(tasks: Tasks, work: Work) -> None:
    """Await `work` for one task after another, in the order given; skips as `run_concurrently` does."""
    done: set[Task] = set()
    for task, needs in tasks.items():
        if done.issuperset(needs) and await work(task):
            done.add(task)
