"""Subjects that take turns on one graph: A B C C B A. Whoever is measured is also checked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks.peers.course import Tasks, faults
from benchmarks.peers.peer import Run
from benchmarks.peers.subjects import Subject
from benchmarks.workload import graph, lower_bound_s, plan

__all__ = ["Case", "WrongCourse", "in_turns"]

_SHOWN = 5
_WARM_UP_MODULES = 2


@dataclass(frozen=True)
class Case:
    """A graph of layers, and the slots for it; None for any number."""

    modules: int
    slots: int | None

    def __str__(self) -> str:
        return f"{self.modules} modules, " + (f"{self.slots} slots" if self.slots else "unlimited slots")

    @property
    def tasks(self) -> Tasks:
        return graph(plan(self.modules))


class WrongCourse(AssertionError):
    """A subject did not do the work that it was measured at; the message says what it did."""


async def in_turns(
    subjects: Sequence[Subject], case: Case, rounds: int, scale: float
) -> dict[str, list[float]]:
    """Wall-clock over the lower bound of each subject, by name, one for each round.

    Raises `WrongCourse` and `PeerFailed`. Before the first round each has done a small graph, which is
    checked and not counted: imports and connections are then made.
    """
    ratios: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    async with AsyncExitStack() as stack:
        runs = [(subject.name, await stack.enter_async_context(subject.opened())) for subject in subjects]
        for name, run in runs:
            await _ratio(name, run, Case(_WARM_UP_MODULES, case.slots), scale)
        for number in range(rounds):
            for name, run in reversed(runs) if number % 2 else runs:
                ratios[name].append(await _ratio(name, run, case, scale))
    return ratios


async def _ratio(name: str, run: Run, case: Case, scale: float) -> float:
    tasks = case.tasks
    course = await run(tasks, case.slots, scale)
    if wrong := faults(course, tasks, case.slots, scale):
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise WrongCourse(f"{name}, {case}: {'; '.join(wrong[:_SHOWN])}{more}")
    return course.wall_s / lower_bound_s(tasks, case.slots, scale)
