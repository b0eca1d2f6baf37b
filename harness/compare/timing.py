"""The timing layer: how long a run took, how near that is to what its calls allow, what ran beside what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict, computed_field

from harness.compare.call_graph import call_graph, critical_path_s, list_schedule_s
from harness.record import RunRecord

__all__ = ["Limit", "Overlap", "TimingFacts", "limit_of", "overlap", "timing_facts"]

Interval = tuple[float, float]

# Wall-clock over lower bound from which the engine, not what it was given, is what takes the time.
_ENGINE_LIMIT = 2.0
# Sums in another order differ by as much.
_ROUNDING = 1e-9


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class TimingFacts(_Facts):
    """The timing of one run; all durations are seconds on the gateway's clock."""

    wall_s: float
    startup_s: float
    """Start of the engine's process until it was ready; not part of `wall_s`."""
    calls: int
    prompt_tokens: int
    output_tokens: int
    work_s: float
    """Generating, summed over all calls."""
    queued_s: float
    """Waiting for a slot, summed over all calls."""
    idle_s: float
    """Wall-clock in which no call was generating: what the engine itself takes."""
    slots: int
    sittings: int = 1
    """How often work on the run was begun: the times of a resumed run are not those of one run."""
    critical_path_s: float
    """The longest chain of calls that had to wait for each other."""
    work_over_slots_s: float
    lower_bound_s: float
    """max(critical path, work / slots): nothing can be faster with these calls."""
    list_schedule_s: float
    """The same calls, scheduled on the same slots with the longest path first."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def efficiency(self) -> float:
        """Lower bound over wall-clock; 1 is perfect."""
        return self.lower_bound_s / self.wall_s if self.wall_s else 0.0

    @computed_field  # type: ignore[prop-decorator]
    @property
    def over_list_schedule(self) -> float:
        """Wall-clock over list schedule; 1 is as good as a scheduler that knows all durations."""
        return self.wall_s / self.list_schedule_s if self.list_schedule_s else 0.0


class Overlap(_Facts):
    """How long two modules were generated at the same time in one run, in seconds."""

    first: str
    second: str
    together_s: float
    first_s: float
    """How long calls for the first were generating."""
    second_s: float
    first_from_s: float | None
    """When its first call began to generate, since the run's begin; None where it had none."""
    second_from_s: float | None


class Limit(_Facts):
    """What bounds the candidate: the engine, the model's slots, or the chain of what needs what."""

    by_slots: bool
    sentence: str


def timing_facts(record: RunRecord) -> TimingFacts:
    """The timing of `record`."""
    graph = call_graph(record)
    slots = record.summary.slots
    work_s = sum(graph.durations_s)
    path_s = critical_path_s(graph)
    whole = [(0.0, record.summary.wall_s)]
    return TimingFacts(
        wall_s=record.summary.wall_s,
        startup_s=record.summary.startup_s,
        calls=len(record.calls),
        prompt_tokens=sum(call.prompt_tokens or 0 for call in record.calls),
        output_tokens=sum(call.output_tokens or 0 for call in record.calls),
        work_s=work_s,
        queued_s=sum(call.queued_s for call in record.calls),
        idle_s=record.summary.wall_s - _length(_common(_merged(_generating(record)), whole)),
        slots=slots,
        sittings=record.summary.sittings,
        critical_path_s=path_s,
        work_over_slots_s=work_s / slots,
        lower_bound_s=max(path_s, work_s / slots),
        list_schedule_s=list_schedule_s(graph, slots),
    )


def overlap(record: RunRecord, first: str, second: str) -> Overlap:
    """How long calls for both modules were generating at the same time."""
    one, other = _merged(_generating(record, first)), _merged(_generating(record, second))
    return Overlap(
        first=first,
        second=second,
        together_s=_length(_common(one, other)),
        first_s=_length(one),
        second_s=_length(other),
        first_from_s=one[0][0] if one else None,
        second_from_s=other[0][0] if other else None,
    )


def limit_of(facts: TimingFacts) -> Limit:
    """What keeps a run from being faster, and by how much."""
    slots = f"{facts.slots} slot{'s' if facts.slots > 1 else ''}"
    path_s, bound_s, wall_s = facts.critical_path_s, facts.lower_bound_s, facts.wall_s
    by_slots = facts.work_over_slots_s > path_s * (1 + _ROUNDING)
    slow_engine = wall_s > bound_s * _ENGINE_LIMIT
    if facts.sittings > 1:
        sentence = f"nothing can be said of a limit: the run was resumed, and took {facts.sittings} sittings"
        return Limit(by_slots=False, sentence=sentence)
    if not bound_s:
        return Limit(by_slots=False, sentence="nothing was generated, so nothing can be said of a limit")
    if slow_engine and not (by_slots and facts.slots == 1):
        sentence = (
            f"the engine is the limit, not the model: it took {wall_s:.2f} s, and the same calls fit into "
            f"{facts.list_schedule_s:.2f} s on {slots} ({wall_s / facts.list_schedule_s:.1f} times faster)"
        )
        return Limit(by_slots=False, sentence=sentence)
    if by_slots:
        # One slot makes every engine sequential, whatever else it does with its time.
        beside = f"; beside that, the engine itself took {facts.idle_s:.2f} s" if slow_engine else ""
        sentence = (
            f"the model is the limit, not the engine: {facts.work_s:.2f} s of generating on {slots} take at "
            f"least {bound_s:.2f} s; with more slots the same calls could take {path_s:.2f} s "
            f"({bound_s / path_s:.1f} times faster){beside}"
        )
        return Limit(by_slots=True, sentence=sentence)
    sentence = (
        f"the chain of what needs what is the limit: {path_s:.2f} s however many slots; {slots} could do the "
        f"work in {facts.work_over_slots_s:.2f} s"
    )
    return Limit(by_slots=False, sentence=sentence)


def _generating(record: RunRecord, module: str | None = None) -> Iterable[Interval]:
    for call in record.calls:
        if call.granted_s is not None and (module is None or call.module == module):
            yield call.granted_s, call.end_s


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _common(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    common: list[Interval] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            common.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return common


def _length(intervals: Iterable[Interval]) -> float:
    return sum(end - start for start, end in intervals)
