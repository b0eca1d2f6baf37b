"""The tasks of a run as spans of time, each with the calls that were made for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from agents.build import EventKind
from harness.compare.call_graph import group_named, group_of
from harness.gateway.calls import CallRecord
from harness.record import RunRecord

__all__ = ["TaskEnd", "TaskSpan", "began", "task_spans"]


class TaskEnd(StrEnum):
    """How a task ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CUT_OFF = "cut off"
    """The run ended, and the task had not."""
    UNKNOWN = "unknown"
    """Nothing is known of it but its calls."""


@dataclass(frozen=True, slots=True)
class TaskSpan:
    """One task, called `developer:Cart` or `analyst`; times are seconds since the run's begin."""

    task: str
    start_s: float
    end_s: float
    end: TaskEnd
    calls: tuple[CallRecord, ...] = ()

    @property
    def role(self) -> str:
        """Who did it."""
        return self.task.partition(":")[0]

    @property
    def module(self) -> str | None:
        """What it was for; None for the project as a whole."""
        return self.task.partition(":")[2] or None


_TOLD_TO_S = 0.002
_ENDS = {EventKind.TASK_COMPLETED: TaskEnd.COMPLETED, EventKind.TASK_FAILED: TaskEnd.FAILED}


def began(record: RunRecord) -> datetime:
    """When the run's clock started: as near as the engine's first word tells, which comes at once."""
    first = record.events[0] if record.events else None
    if first is not None and first.kind is EventKind.BUILD_STARTED:
        return datetime.fromisoformat(first.at)
    summary = record.summary
    return datetime.fromisoformat(summary.began_at) + timedelta(seconds=summary.startup_s)


def task_spans(record: RunRecord) -> tuple[TaskSpan, ...]:
    """The tasks of `record` in the order in which they began, with every one of its calls in one of them.

    Events and calls are on two clocks: events are moved by as little as puts each task around its first call.
    They are told to the millisecond: a task lasts as long as its events say, and never less than its calls.
    Where events tell nothing of a task, its calls alone do; so it is too in a run that was resumed, as
    nobody's clock ran while nobody worked on it.
    """
    told = list(_on_one_clock(record)) if record.summary.sittings == 1 else []
    calls: dict[int, list[CallRecord]] = {}
    for call in record.calls:
        place = _place(call, told)
        if place is None:
            place = len(told)
            told.append(TaskSpan(_task(call), call.arrival_s, call.end_s, TaskEnd.UNKNOWN))
        calls.setdefault(place, []).append(call)
    spans = (_around(span, calls.get(place, ())) for place, span in enumerate(told))
    return tuple(sorted(spans, key=lambda span: span.start_s))


def _on_one_clock(record: RunRecord) -> Iterator[TaskSpan]:
    """The tasks that events tell of, moved by what the clock of the calls is ahead of that of the events.

    An engine's first word comes a few hundredths of a second after its clock was started, and later on a
    busy machine: with a fast model that is as long as a task.
    """
    spans = tuple(_told(record))
    own = {span.task: span for span in spans}
    first = [(call, own[_task(call)]) for call in record.calls if call.attempt == 1 and _task(call) in own]
    least = max((call.end_s - span.end_s for call, span in first), default=0.0)
    most = min((call.arrival_s - span.start_s for call, span in first), default=0.0)
    # Where no shift puts all of them right, none is known to be right.
    ahead = min(max(0.0, least), most) if least <= most + _TOLD_TO_S else 0.0
    for span in spans:
        yield replace(span, start_s=span.start_s + ahead, end_s=span.end_s + ahead)


def _told(record: RunRecord) -> Iterator[TaskSpan]:
    """The tasks that events tell of, in the order of their ends."""
    begin = began(record)
    under_way: dict[str, float] = {}
    last_s = record.summary.wall_s
    for event in record.events:
        at_s = (datetime.fromisoformat(event.at) - begin).total_seconds()
        if event.kind is EventKind.TASK_STARTED:
            under_way[event.task] = at_s
        elif event.kind in _ENDS:
            start_s = under_way.pop(event.task, at_s)
            yield TaskSpan(event.task, start_s, max(start_s, at_s), _ENDS[event.kind])
    for task, start_s in under_way.items():
        yield TaskSpan(task, start_s, max(start_s, last_s), TaskEnd.CUT_OFF)


def _place(call: CallRecord, spans: Sequence[TaskSpan]) -> int | None:
    """Where in `spans` the task is that `call` was made for; None where it is not there.

    That may be another role's task: a developer who is sent back to work is called by the review.
    """
    task = _task(call)
    same = [place for place, span in enumerate(spans) if span.task == task]
    beside = [p for p in same if spans[p].start_s <= call.end_s and call.arrival_s <= spans[p].end_s]
    if beside:
        return beside[-1]
    chain = group_of(call)
    begun = [
        (span.start_s, place)
        for place, span in enumerate(spans)
        if span.end is not TaskEnd.UNKNOWN and span.start_s <= call.arrival_s
        if chain is not None and group_named(span.task) == chain
    ]
    return max(begun)[1] if begun else next(iter(same), None)


def _task(call: CallRecord) -> str:
    return f"{call.role}:{call.module}" if call.module else call.role


def _around(span: TaskSpan, calls: Iterable[CallRecord]) -> TaskSpan:
    """`span` with its calls, and long enough for them."""
    made = tuple(calls)
    return replace(
        span,
        start_s=min((span.start_s, *(call.arrival_s for call in made))),
        end_s=max((span.end_s, *(call.end_s for call in made))),
        calls=made,
    )
