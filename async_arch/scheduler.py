"""The scheduler: starts tasks as soon as what they need is done, a bounded number at once.

Of one build, the task with the longest path goes first. Builds that share a scheduler share its places: one
that becomes free goes to the build with the fewest tasks under way, of several to the one that was given a
place longest ago. So a small build waits for a task of a giant one to end, never for the giant.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Mapping

from agents.workflow import Task

__all__ = ["Scheduler", "run_concurrently", "run_in_order"]

Tasks = Mapping[Task, tuple[Task, ...]]
Work = Callable[[Task], Awaitable[bool]]
Path = Callable[[Task], float]


class Scheduler:
    """A number of places, and the builds that share them. It belongs to one event loop."""

    def __init__(self, at_once: int) -> None:
        if at_once < 1:
            raise ValueError(f"at least 1 task must work at once, not {at_once}")
        self._free = at_once
        # The builds that have a task ready, by whose turn it is. Whenever that changes a build comes in anew,
        # and only its last ticket counts.
        self._waiting: list[tuple[int, int, int, _Build]] = []
        self._tickets = 0
        self._given = 0

    async def run(self, tasks: Tasks, work: Work, *, path: Path) -> None:
        """Await `work` for every task as soon as all it needs have returned True and a place is free for it.

        Of the tasks that are ready, the one with the longest `path` goes first, then the first in `tasks`. A
        place that becomes free is given away only after the tasks that the finished one made ready have
        joined the others: the next step of the critical path is often among them. A task that needs one for
        which `work` returned False is not begun. An exception of `work` cancels what is under way of this
        build.
        """
        async with asyncio.TaskGroup() as group:
            build = _Build(tasks, work, path, group)
            try:
                self._offer(build)
                self._give()
                if not build.idle:
                    await build.over
            finally:
                build.withdraw()

    def _offer(self, build: _Build) -> None:
        self._tickets += 1
        build.ticket = self._tickets
        if build.ready:
            heapq.heappush(self._waiting, (build.working, build.given, build.ticket, build))

    def _give(self) -> None:
        while self._free and self._waiting:
            *_, ticket, build = heapq.heappop(self._waiting)
            if ticket != build.ticket:
                continue
            if not build.ready:
                continue
            place = heapq.heappop(build.ready)[-1]
            self._free -= 1
            self._given += 1
            build.working += 1
            build.given = self._given
            build.group.create_task(self._do(build, place))
            self._offer(build)

    async def _do(self, build: _Build, place: int) -> None:
        try:
            if await build.work(build.tasks[place]):
                build.make_dependents_ready(place)
        except BaseException:
            build.withdraw()
            raise
        finally:
            self._free += 1
            build.working -= 1
            self._offer(build)
            self._give()
            if build.idle and not build.over.done():
                build.over.set_result(None)


class _Build:
    """The tasks of one build, by their places in it: what is ready, and how many are under way."""

    def __init__(self, tasks: Tasks, work: Work, path: Path, group: asyncio.TaskGroup) -> None:
        self.work = work
        self.group = group
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tasks = list(tasks)
        self.ready: list[tuple[float, int]] = []
        self.working = 0
        self.given = 0
        self.ticket = 0
        self._withdrawn = False
        self._path = path
        self._missing = [len(needs) for needs in tasks.values()]
        self._dependents: list[list[int]] = [[] for _ in tasks]
        places = {task: place for place, task in enumerate(self.tasks)}
        for place, needs in enumerate(tasks.values()):
            for need in needs:
                self._dependents[places[need]].append(place)
            if not needs:
                self._make_ready(place)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way and nothing more will be."""
        return not self.ready and not self.working

    def make_dependents_ready(self, place: int) -> None:
        """Let the tasks go on that waited for this one alone."""
        for dependent in self._dependents[place]:
            self._missing[dependent] -= 1
            if not self._missing[dependent]:
                self._make_ready(dependent)

    def withdraw(self) -> None:
        """Begin nothing more, whatever is still done."""
        self.ready.clear()
        self._withdrawn = True

    def _make_ready(self, place: int) -> None:
        if not self._withdrawn:
            heapq.heappush(self.ready, (-self._path(self.tasks[place]), place))


async def run_concurrently(tasks: Tasks, work: Work, *, at_once: int, path: Path) -> None:
    """Run the tasks of one build that shares with nobody, `at_once` at a time; see `Scheduler.run`."""
    await Scheduler(at_once).run(tasks, work, path=path)


async def run_in_order(tasks: Tasks, work: Work) -> None:
    """Await `work` for one task after another, in the order given; skips as `Scheduler.run` does."""
    done: set[Task] = set()
    for task, needs in tasks.items():
        if done.issuperset(needs) and await work(task):
            done.add(task)
