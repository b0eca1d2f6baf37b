"""The verdict on a comparison: one status, with reasons in the order of their weight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from agents.conversation import Cause
from harness.compare.call_graph import group_named
from harness.compare.expectations import Expectation, ExpectationStatus
from harness.compare.mirror import not_mirrored
from harness.compare.mismatch import Kind, Mismatch
from harness.compare.outcome import describe_outcome
from harness.compare.text import one_line
from harness.record import Leaves, OutcomeStatus, RunRecord

__all__ = ["Status", "Verdict", "badness", "exit_code", "judge", "worst"]

# Neither engine's doing: what these causes keep from being seen cannot be held against one of them.
_SURROUNDINGS = frozenset({Cause.MODEL, Cause.STATE})

# An engine's own doing. A control that did not get through by it is no measure for a candidate.
_OWN = frozenset({Cause.ENGINE, Cause.DEADLINE})


class Status(StrEnum):
    """What a comparison comes to; the worst wins, and FAIL, which is known, is worse than ERROR."""

    PASS = "PASS"  # noqa: S105 (a status, not a password)
    INCONCLUSIVE = "INCONCLUSIVE"
    """There is not enough to go by."""
    ERROR = "ERROR"
    """It could not be judged: a run failed, or something around it did."""
    FAIL = "FAIL"


_ORDER = [Status.PASS, Status.INCONCLUSIVE, Status.ERROR, Status.FAIL]


class Verdict(BaseModel):
    """The status and why, the weightiest reason first."""

    model_config = ConfigDict(frozen=True)

    status: Status
    reasons: tuple[str, ...]


def badness(status: Status) -> int:
    """How bad `status` is beside the others."""
    return _ORDER.index(status)


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of `statuses`; without any, nothing is known: INCONCLUSIVE."""
    return max(statuses, key=badness, default=Status.INCONCLUSIVE)


def judge(
    control: RunRecord,
    candidate: RunRecord,
    mismatches: Sequence[Mismatch],
    expectations: Sequence[Expectation],
) -> Verdict:
    """The verdict under the policy `exact`: everything equal, every expectation met."""
    error = _not_judgeable(control, candidate, mismatches)
    if error:
        return Verdict(status=Status.ERROR, reasons=tuple(error))
    # Something always comes first, even where everything is said to follow.
    roots = [mismatch for mismatch in mismatches if not mismatch.follows] or mismatches
    engine_roots = [mismatch for mismatch in roots if mismatch.kind is not Kind.ANSWER_DRIFT]
    unmet = [e.sentence for e in expectations if e.status is ExpectationStatus.UNMET]
    if engine_roots or unmet:
        return Verdict(status=Status.FAIL, reasons=(*[m.sentence for m in engine_roots], *unmet))
    if mismatches:
        count = sum(mismatch.kind is Kind.ANSWER_DRIFT for mismatch in mismatches)
        reason = (
            f"the model answered {count} equal request{'s' if count > 1 else ''} differently, and what "
            "differs after that cannot be laid at the engines' door; compare on the same answers"
        )
        return Verdict(status=Status.INCONCLUSIVE, reasons=(reason,))
    missing = _missing_data(control)
    if missing:
        return Verdict(status=Status.ERROR, reasons=tuple(missing))
    unmirrored = _unmirrored(control, candidate)
    if unmirrored:
        return Verdict(status=Status.INCONCLUSIVE, reasons=tuple(unmirrored))
    return Verdict(status=Status.PASS, reasons=(f"{_equal_parts(control, candidate)} are equal",))


def _not_judgeable(control: RunRecord, candidate: RunRecord, mismatches: Sequence[Mismatch]) -> list[str]:
    """Why these runs cannot be judged, or nothing where they can."""
    runs = (("control", control), ("candidate", candidate))
    failures = [
        (failure, f"the {side} failed at {failure.task}: {one_line(failure.reason)}")
        for side, record in runs
        for failure in record.summary.outcome.failures
    ]
    reasons = [reason for failure, reason in failures if failure.cause in _SURROUNDINGS]
    if reasons:
        return reasons
    # Of a task that broke in both, all around it can still be compared; of a run that was cut off, nothing.
    if any(
        failure.cause in _OWN
        and (group_named(failure.task) is None or failure not in candidate.summary.outcome.failures)
        for failure in control.summary.outcome.failures
    ):
        return [reason for failure, reason in failures if failure.cause in _OWN]
    outcomes = [record.summary.outcome for _, record in runs]
    if all(outcome.status is not OutcomeStatus.FINISHED for outcome in outcomes) and not mismatches:
        return [f"both ended alike, and neither with a whole project: it {describe_outcome(outcomes[0])}"]
    return [
        f"no call of the {side} went through the gateway"
        for side, record in runs
        if not record.calls and record.summary.outcome.status is OutcomeStatus.FINISHED
    ]


def _equal_parts(control: RunRecord, candidate: RunRecord) -> str:
    """What was compared, in words."""
    both = set(control.summary.leaves) & set(candidate.summary.leaves)
    parts = [_counted(len(candidate.calls), "call"), _counted(len(candidate.summary.files), "file")]
    parts += ["the blackboard"] if Leaves.BLACKBOARD in both else []
    parts += [_counted(len(candidate.events), "event")] if Leaves.EVENTS in both else []
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _missing_data(record: RunRecord) -> list[str]:
    """What equal runs have nothing of: that nothing differs then says nothing."""
    found = {"call": record.calls, "file": record.summary.files, "blackboard": record.blackboard}
    if Leaves.BLACKBOARD not in record.summary.leaves:
        del found["blackboard"]
    return [f"the runs are equal, but neither has a {what}" for what, data in found.items() if not data]


def _unmirrored(control: RunRecord, candidate: RunRecord) -> list[str]:
    """Why equal runs do not show that Redis can follow, where one of them has a mirror there."""
    sides = (("control", control), ("candidate", candidate))
    return [
        f"the runs are equal, but {reason}"
        for side, record in sides
        if (reason := not_mirrored(record, side)) is not None
    ]


def exit_code(status: Status) -> int:
    """The exit code of a verdict: 0 equal, 1 mismatch, 3 a run failed or nothing can be said."""
    return {Status.PASS: 0, Status.FAIL: 1}.get(status, 3)
