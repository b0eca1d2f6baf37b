"""Stalls: when a run stood still, or less of it went on than could have."""

from __future__ import annotations

from dataclasses import dataclass

from harness.compare.call_graph import call_graph, group_of, needs_of_groups, plan_of
from harness.compare.intervals import Interval, common, length, merged
from harness.gateway.calls import CallRecord
from harness.record import RunRecord

__all__ = ["HeldBack", "Stalls", "idle_gaps_s", "stalls_of"]

# What happens to a call, in the order in which it is looked at where the moment is the same.
_READY, _ARRIVED, _ENDED, _FREED = range(4)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The call that was held back longest, and one that it did not need and that was generating meanwhile."""

    call: CallRecord
    beside: CallRecord | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Stalls:
    """How long a run stood still although it could have gone on, stall by stall, in seconds."""

    idle_s: tuple[float, ...] = ()
    """No call was under way."""
    held_back_s: tuple[float, ...] = ()
    """A call was ready and a slot was free, and only others were under way; each until the next call came."""
    longest: HeldBack | None = None


@dataclass(frozen=True, slots=True)
class _Step:
    """A call as the engine sees it; times are seconds since the run's begin."""

    call: CallRecord
    ready_s: float | None
    """When all that it needs had ended; None where that is not known."""
    arrival_s: float
    over_s: float
    """When the engine could go on to another: a call that is made again keeps its place meanwhile."""


def stalls_of(record: RunRecord, allowance_s: float) -> Stalls:
    """The stalls of `record`, beyond the `allowance_s` that an engine has for each of its steps.

    A healthy engine takes every slot that becomes free, and every call that becomes ready, within its
    allowance; as long as it does, there are none, however its calls are ordered and however long they take.
    """
    steps = _steps(record)
    idle = [gap - allowance_s for gap in _gaps_s(record, steps) if gap > allowance_s]
    held, longest = _held_back(steps, record.summary.slots, allowance_s)
    return Stalls(tuple(idle), tuple(held), longest)


def idle_gaps_s(record: RunRecord) -> list[float]:
    """How long each stretch of `record` was in which no call was under way."""
    return _gaps_s(record, _steps(record))


def _gaps_s(record: RunRecord, steps: list[_Step]) -> list[float]:
    whole = (0.0, record.summary.wall_s)
    busy = common(merged((step.arrival_s, step.over_s) for step in steps), [whole])
    edges = [whole[0], *(moment for interval in busy for moment in interval), whole[1]]
    return [end - start for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]


def _steps(record: RunRecord) -> list[_Step]:
    """The calls of `record` with when they could have been made, as far as its plan says so."""
    graph = call_graph(record)
    plan = plan_of(record)
    known = needs_of_groups(plan) if plan else {}
    calls = [record.calls[place] for place in graph.places]
    groups = [group_of(call) for call in calls]
    over = [call.end_s for call in calls]
    for index, needs in enumerate(graph.waits_for):
        for need in needs:
            if calls[need].error is not None and groups[need] == groups[index]:
                over[need] = max(over[need], calls[index].arrival_s)
    return [
        _Step(
            call,
            max(over[need] for need in needs) if needs and group in known else None,
            call.arrival_s,
            over[index],
        )
        for index, (call, group, needs) in enumerate(zip(calls, groups, graph.waits_for, strict=True))
    ]


def _held_back(steps: list[_Step], slots: int, allowance_s: float) -> tuple[list[float], HeldBack | None]:
    moments = []
    for index, step in enumerate(steps):
        moments += [
            (step.arrival_s, _ARRIVED, index),
            (step.over_s, _ENDED, index),
            (step.over_s + allowance_s, _FREED, index),
        ]
        if step.ready_s is not None and step.ready_s + allowance_s < step.arrival_s:
            moments.append((step.ready_s + allowance_s, _READY, index))
    waiting: dict[int, float] = {}
    under_way = taken = 0
    total = before = now = 0.0
    held: list[float] = []
    longest: tuple[float, int] = (0.0, 0)
    for moment, what, index in sorted(moments):
        if waiting and under_way and taken < slots:
            total += moment - now
        now = moment
        if what == _READY:
            waiting[index] = total
        elif what == _ARRIVED:
            if index in waiting:
                longest = max(longest, (total - waiting.pop(index), index))
            if total > before:
                held.append(total - before)
                before = total
            under_way += 1
            taken += 1
        elif what == _ENDED:
            under_way -= 1
        else:
            taken -= 1
    return held, _named(steps, longest[1], longest[0]) if held else None


def _named(steps: list[_Step], index: int, seconds: float) -> HeldBack:
    step = steps[index]
    waited: Interval = (step.ready_s or 0.0, step.arrival_s)

    def together_s(call: CallRecord) -> float:
        return 0.0 if call.granted_s is None else length(common([waited], [(call.granted_s, call.end_s)]))

    beside = max((other.call for other in steps), key=together_s)
    return HeldBack(step.call, beside if together_s(beside) else None, seconds)
