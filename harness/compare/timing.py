"""The timing of a run: how long it took, where that went, and how near it is to what its calls allow."""

from __future__ import annotations

from statistics import median

from pydantic import BaseModel, ConfigDict, computed_field

from harness.compare.call_graph import call_graph, critical_path, critical_path_s, list_schedule_s
from harness.compare.intervals import common, length, merged
from harness.compare.overlaps import generating
from harness.compare.takeovers import tasks_taken_over
from harness.record import RunRecord

__all__ = ["Limit", "PathCall", "TimingFacts", "limit_of", "timing_facts"]

# Wall-clock over lower bound from which the engine, not what it was given, is what takes the time.
_ENGINE_LIMIT = 2.0
# Sums in another order differ by as much.
_ROUNDING = 1e-9


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class PathCall(_Facts):
    """One call on the critical path of a run."""

    place: int
    """Where it stands in the run's timeline, from 0."""
    role: str
    module: str | None
    attempt: int
    generating_s: float


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
    ttft_s: float | None
    """From the slot to the first byte of the answer, the median of all calls; None where none answered."""
    idle_s: float
    """Wall-clock in which no call was generating: what the engine itself takes."""
    slots: int
    sittings: int = 1
    """How often work on the run was begun: the times of a resumed run are not those of one run."""
    taken_over: int = 0
    """How many tasks one worker took over from another: their calls were made more than once."""
    critical_path_s: float
    """The longest chain of calls that had to wait for each other."""
    critical_path: tuple[PathCall, ...]
    """The calls of that chain, the first one first."""
    work_over_slots_s: float
    lower_bound_s: float
    """max(critical path, work / slots): nothing can be faster with these calls."""
    list_schedule_s: float
    """The same calls, scheduled on the same slots with the longest path first."""
    cpu_s: float | None
    """Processor time of the engine's process while it worked; None where that was not measured."""

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
    waited = [
        call.first_byte_s - call.granted_s
        for call in record.calls
        if call.first_byte_s is not None and call.granted_s is not None
    ]
    resources = record.summary.resources
    return TimingFacts(
        wall_s=record.summary.wall_s,
        startup_s=record.summary.startup_s,
        calls=len(record.calls),
        prompt_tokens=sum(call.prompt_tokens or 0 for call in record.calls),
        output_tokens=sum(call.output_tokens or 0 for call in record.calls),
        work_s=work_s,
        queued_s=sum(call.queued_s for call in record.calls),
        ttft_s=median(waited) if waited else None,
        idle_s=record.summary.wall_s - length(common(merged(generating(record)), whole)),
        slots=slots,
        sittings=record.summary.sittings,
        taken_over=tasks_taken_over(record),
        critical_path_s=path_s,
        critical_path=tuple(_path_call(record, graph.places[index]) for index in critical_path(graph)),
        work_over_slots_s=work_s / slots,
        lower_bound_s=max(path_s, work_s / slots),
        list_schedule_s=list_schedule_s(graph, slots),
        cpu_s=resources.cpu_s if resources else None,
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
    if facts.taken_over:
        sentence = f"nothing can be said of a limit: {facts.taken_over} of its tasks were taken over"
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


def _path_call(record: RunRecord, place: int) -> PathCall:
    call = record.calls[place]
    return PathCall(
        place=place,
        role=call.role,
        module=call.module,
        attempt=call.attempt,
        generating_s=call.generating_s,
    )
