"""The course of one run: when the model worked at which task; and what would be wrong with it.

A scheduler that leaves work out, or begins before what it needs is there, would win. So every run that is
measured is checked by `faults`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agents.workflow import Task
from benchmarks.workload import duration_s

__all__ = ["Course", "Span", "Tasks", "faults"]

_ROUNDING_S = 1e-6
"""What a difference of two readings of the clock may be off by."""

Tasks = Mapping[Task, tuple[Task, ...]]


@dataclass(frozen=True, slots=True)
class Span:
    """One answer of the model; begin and end on the monotonic clock that all processes of a machine share."""

    task: Task
    begun_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Course:
    """How long a run took by the scheduler's own clock, and the answers of the model during it."""

    wall_s: float
    spans: tuple[Span, ...]
    cpu_s: float = 0.0
    """Processor time of the scheduler's process, where it tells."""


def faults(course: Course, tasks: Tasks, slots: int | None, scale: float) -> tuple[str, ...]:
    """What is wrong with `course`, a line each; nothing where it did the work of `tasks` with `slots`."""
    done = {span.task: span for span in course.spans}
    return (
        *_wrong_counts(course, tasks),
        *_wrong_orders(done, tasks),
        *(
            f"{task} took {span.ended_s - span.begun_s:.4f} s of {duration_s(task, scale):.4f} s"
            for task, span in done.items()
            if span.ended_s - span.begun_s < duration_s(task, scale) - _ROUNDING_S
        ),
        *_wrong_wall(course),
        *_too_many(course, slots),
    )


def _wrong_counts(course: Course, tasks: Tasks) -> Iterator[str]:
    counts = Counter(span.task for span in course.spans)
    for task in tasks.keys() | counts.keys():
        if counts[task] != (task in tasks):
            yield f"{task} was done {counts[task]} times, not {int(task in tasks)}"


def _wrong_orders(done: Mapping[Task, Span], tasks: Tasks) -> Iterator[str]:
    for task, needs in tasks.items():
        for need in needs:
            if task in done and need in done and done[task].begun_s < done[need].ended_s:
                yield f"{task} began before {need} ended"


def _wrong_wall(course: Course) -> Iterator[str]:
    if course.spans:
        first_s = min(span.begun_s for span in course.spans)
        last_s = max(span.ended_s for span in course.spans)
        if course.wall_s < last_s - first_s:
            yield f"it says {course.wall_s:.4f} s, and the model was at it for {last_s - first_s:.4f} s"


def _too_many(course: Course, slots: int | None) -> Iterator[str]:
    # Where one ends when another begins, the slot was free.
    marks = sorted(
        [(span.begun_s, 1) for span in course.spans] + [(span.ended_s, -1) for span in course.spans]
    )
    working = most = 0
    for _, change in marks:
        working += change
        most = max(most, working)
    if slots is not None and most > slots:
        yield f"{most} tasks at once in {slots} slots"
