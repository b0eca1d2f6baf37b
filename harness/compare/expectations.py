"""What a spec expects beyond equality, held against two runs."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from harness.compare.overlaps import overlap
from harness.compare.speedup import LEAST_PAIRS, estimate_speedup, judge_speedup
from harness.compare.takeovers import tasks_taken_over
from harness.compare.timing import timing_facts
from harness.record import OutcomeStatus, RunRecord
from harness.spec import Spec

__all__ = ["Expectation", "ExpectationStatus", "check_expectations"]

# Planning and integration use one slot only; with them even a perfect engine leaves some slots idle.
_FULL = 0.8


class ExpectationStatus(StrEnum):
    """Whether an expectation was met."""

    MET = "met"
    UNMET = "unmet"
    INCONCLUSIVE = "inconclusive"
    """The limit lies within what the value may be: more repeats would tell."""
    NOT_JUDGED = "not judged"
    """It speaks of something that these two runs cannot show."""


class Expectation(BaseModel):
    """One expectation with what was seen: value and limit are in the sentence."""

    model_config = ConfigDict(frozen=True)

    key: str
    status: ExpectationStatus
    sentence: str


def check_expectations(
    spec: Spec, control: RunRecord, candidate: RunRecord, *, same_answers: bool
) -> tuple[Expectation, ...]:
    """Every expectation of `spec`, judged where these runs can show it.

    `same_answers` says that the model answered both alike: else they did not have the same work.
    """
    drift = None if same_answers else "the model answered the two differently"
    return (
        *_modules(spec, control, candidate, drift),
        *_parallel(spec, candidate, drift),
        *_speedup(spec, control, candidate, drift),
    )


def _modules(
    spec: Spec, control: RunRecord, candidate: RunRecord, drift: str | None
) -> Iterator[Expectation]:
    least = spec.expect.modules
    if least is None:
        return
    counts = [_module_count(control), _module_count(candidate)]
    reason = _unfinished(control, "control") or _unfinished(candidate, "candidate") or drift
    if reason:
        status, sentence = ExpectationStatus.NOT_JUDGED, f"at least {least} modules: {reason}"
    else:
        status = ExpectationStatus.MET if min(counts) >= least else ExpectationStatus.UNMET
        sentence = (
            f"{counts[0]} modules by the control and {counts[1]} by the candidate; at least {least} expected"
        )
    yield Expectation(key="modules", status=status, sentence=sentence)


def _parallel(spec: Spec, candidate: RunRecord, drift: str | None) -> Iterator[Expectation]:
    for first, second in spec.expect.parallel:
        seen = overlap(candidate, first, second)
        starts = {first: seen.first_from_s, second: seen.second_from_s}
        never = [name for name, start_s in starts.items() if start_s is None]
        reason = (
            _unfinished(candidate, "candidate")
            or _no_concurrency(candidate)
            or _without_times(candidate)
            or _not_in_one_go(candidate, "candidate")
        )
        if not reason and never:
            # Other answers can make another plan.
            reason = drift
        if not (reason or never or seen.together_s) and _slots_were_full(candidate):
            reason = f"the {candidate.summary.slots} slots were at work all the time, on other modules"
        if reason:
            status, sentence = ExpectationStatus.NOT_JUDGED, f"{first} and {second} in parallel: {reason}"
        else:
            status = ExpectationStatus.MET if seen.together_s > 0 else ExpectationStatus.UNMET
            sentence = (
                f"{first} and {second} were generated in parallel for {seen.together_s:.3f} s; "
                f"more than 0 expected{f' (nothing was generated for {never[0]})' if never else ''}"
            )
        yield Expectation(key=f"parallel {first}/{second}", status=status, sentence=sentence)


def _speedup(
    spec: Spec, control: RunRecord, candidate: RunRecord, drift: str | None
) -> Iterator[Expectation]:
    least = spec.expect.min_speedup
    if least is None:
        return
    reason = (
        _unfinished(control, "control")
        or _unfinished(candidate, "candidate")
        or _no_concurrency(candidate)
        or _without_times(candidate)
        or _not_in_one_go(control, "control")
        or _not_in_one_go(candidate, "candidate")
        or ("the control is concurrent too" if control.summary.concurrent else None)
        or drift
        or _out_of_reach(least, control, candidate)
    )
    if reason:
        status, sentence = ExpectationStatus.NOT_JUDGED, f"speed-up of at least {least:g}: {reason}"
    else:
        status, sentence = _judged_speedup(least, control.summary.wall_s, candidate.summary.wall_s)
    yield Expectation(key="min_speedup", status=status, sentence=sentence)


def _judged_speedup(least: float, control_s: float, candidate_s: float) -> tuple[ExpectationStatus, str]:
    """Whether one pair shows that speed-up, allowing for what a machine does to the times of a single run."""
    if not (control_s > 0 and candidate_s > 0):
        return ExpectationStatus.UNMET, f"speed-up 0.00; at least {least:g} expected"
    estimate = estimate_speedup([(control_s, candidate_s)])
    judged = judge_speedup(estimate, least)
    if judged == "inconclusive":
        return ExpectationStatus.INCONCLUSIVE, (
            f"speed-up {estimate}; at least {least:g} expected; more pairs would tell "
            f"(--repeat {LEAST_PAIRS})"
        )
    status = ExpectationStatus.MET if judged == "met" else ExpectationStatus.UNMET
    return status, f"speed-up {estimate.speedup:.2f}; at least {least:g} expected"


def _slots_were_full(record: RunRecord) -> bool:
    """Whether the work on the slots alone took (nearly) all the time of `record`."""
    facts = timing_facts(record)
    return facts.work_over_slots_s > facts.critical_path_s and facts.efficiency > _FULL


def _out_of_reach(least: float, control: RunRecord, candidate: RunRecord) -> str | None:
    """Why no engine could be `least` times faster with these calls on these slots, or None."""
    facts = timing_facts(candidate)
    if not facts.lower_bound_s or control.summary.wall_s >= least * facts.lower_bound_s:
        return None
    possible = control.summary.wall_s / facts.lower_bound_s
    slots = f"{facts.slots} slot{'s' if facts.slots > 1 else ''}"
    return f"on {slots} these calls allow {possible:.2f} at most"


def _unfinished(record: RunRecord, side: str) -> str | None:
    """Why a run does not count because it failed on the way, or None where it came to its end."""
    return f"the {side} failed" if record.summary.outcome.status is OutcomeStatus.FAILED else None


def _no_concurrency(record: RunRecord) -> str | None:
    """Why nothing of `record` can have run in parallel, or None where it can."""
    if not record.summary.concurrent:
        return "the candidate makes one call at a time"
    if record.summary.slots == 1:
        return "the model has one slot"
    return None


def _without_times(record: RunRecord) -> str | None:
    """Why the times of `record` say nothing, or None where they do."""
    if record.summary.model.time_scale == 0:
        return "the answers were replayed at once (time scale 0)"
    return None


def _not_in_one_go(record: RunRecord, side: str) -> str | None:
    """Why the times of `record` are not those of one run, or None where they are."""
    sittings, taken = record.summary.sittings, tasks_taken_over(record)
    if sittings > 1:
        return f"the {side} was resumed, and took {sittings} sittings"
    return f"{taken} task{'' if taken == 1 else 's'} of the {side} were taken over" if taken else None


def _module_count(record: RunRecord) -> int:
    modules = (record.blackboard or {}).get("modules")
    return len(modules) if isinstance(modules, dict) else 0
