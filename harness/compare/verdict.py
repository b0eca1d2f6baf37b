"""The verdict on a comparison: one status, with reasons in the order of their weight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from agents.conversation import Cause
from harness.compare.call_graph import group_named
from harness.compare.determinism import is_deterministic
from harness.compare.expectations import Expectation, ExpectationStatus
from harness.compare.mirror import not_mirrored
from harness.compare.mismatch import Kind, Layer, Mismatch, Severity, by_weight
from harness.compare.outcome import describe_outcome
from harness.compare.terms import EXACT, Policy, Terms
from harness.compare.text import one_line
from harness.record import Leaves, ModelFacts, OutcomeStatus, RunRecord

__all__ = [
    "SURROUNDINGS",
    "Status",
    "Verdict",
    "badness",
    "by_quality",
    "combined",
    "counts",
    "exit_code",
    "judge",
    "worst",
]

SURROUNDINGS = frozenset({Cause.MODEL, Cause.STATE})
"""Neither engine's doing: what these causes keep from being seen cannot be held against one of them."""

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


def combined(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of several: the worst status, and the reasons of all, those for what is worst first."""
    ordered = sorted(verdicts, key=lambda verdict: badness(verdict.status), reverse=True)
    return Verdict(
        status=worst(verdict.status for verdict in verdicts),
        reasons=tuple(dict.fromkeys(reason for verdict in ordered for reason in verdict.reasons)),
    )


def by_quality(terms: Terms, model: ModelFacts) -> bool:
    """Whether a run that ends badly is no mismatch, but counts in how often runs turn out well."""
    return terms.policy is Policy.CONTRACT and not is_deterministic(model)


def counts(mismatch: Mismatch, terms: Terms, model: ModelFacts) -> bool:
    """Whether `mismatch` is held against the candidate."""
    if terms.policy is Policy.EXACT:
        return True
    if mismatch.layer is Layer.OUTCOME and by_quality(terms, model):
        return False
    return mismatch.severity is Severity.BREAKING


def judge(
    control: RunRecord,
    candidate: RunRecord,
    mismatches: Sequence[Mismatch],
    expectations: Sequence[Expectation],
    *,
    incomplete: Sequence[str] = (),
    terms: Terms = EXACT,
) -> Verdict:
    """The verdict on two runs: nothing that counts by `terms` differs, every expectation is met.

    `incomplete` says why there may be mismatches that were not found: without any, nothing is known.
    """
    varied = by_quality(terms, candidate.summary.model)
    error = _not_judgeable(control, candidate, mismatches, varied=varied)
    if error:
        return Verdict(status=Status.ERROR, reasons=tuple(error))
    counted = [mismatch for mismatch in mismatches if counts(mismatch, terms, candidate.summary.model)]
    drifted = sum(mismatch.kind is Kind.ANSWER_DRIFT for mismatch in mismatches)
    unmet = [e.sentence for e in expectations if e.status is ExpectationStatus.UNMET]
    cut_short = _cut_short(control, candidate) if varied else []
    roots = [] if cut_short else _roots(mismatches, counted)
    if roots or unmet:
        return Verdict(status=Status.FAIL, reasons=(*[m.sentence for m in roots], *unmet))
    if cut_short:
        return Verdict(status=Status.INCONCLUSIVE, reasons=tuple(cut_short))
    if counted:
        reason = (
            f"the model answered {drifted} equal request{'s' if drifted > 1 else ''} differently, and what "
            "differs after that cannot be laid at the engines' door; compare on the same answers"
        )
        return Verdict(status=Status.INCONCLUSIVE, reasons=(reason,))
    missing = _missing_data(control)
    if missing:
        return Verdict(status=Status.ERROR, reasons=tuple(missing))
    unknown = [
        *[e.sentence for e in expectations if e.status is ExpectationStatus.INCONCLUSIVE],
        *incomplete,
        *_unmirrored(control, candidate),
    ]
    if unknown:
        return Verdict(status=Status.INCONCLUSIVE, reasons=tuple(unknown))
    return Verdict(status=Status.PASS, reasons=(_passed(control, candidate, mismatches),))


def _roots(mismatches: Sequence[Mismatch], counted: Sequence[Mismatch]) -> list[Mismatch]:
    """What the engines are to be asked about among `counted`; nothing where other answers can explain it."""
    ours = [mismatch for mismatch in counted if mismatch.kind is not Kind.ANSWER_DRIFT]
    # Something always comes first, even where everything is said to follow.
    circular = all(mismatch.follows for mismatch in mismatches)
    roots = [mismatch for mismatch in ours if circular or not mismatch.follows]
    drifted = any(mismatch.kind is Kind.ANSWER_DRIFT for mismatch in mismatches)
    return by_weight(roots if roots or drifted else ours)


def _cut_short(control: RunRecord, candidate: RunRecord) -> list[str]:
    """Why two runs hold no whole projects that could be compared."""
    return [
        f"the {side} {describe_outcome(record.summary.outcome)}: how often it does is what counts here"
        for side, record in (("control", control), ("candidate", candidate))
        if record.summary.outcome.status is OutcomeStatus.FAILED
    ]


def _passed(control: RunRecord, candidate: RunRecord, mismatches: Sequence[Mismatch]) -> str:
    if not mismatches:
        return f"{_equal_parts(control, candidate)} are equal"
    differ = "1 mismatch breaks" if len(mismatches) == 1 else f"{len(mismatches)} mismatches break"
    return f"nothing that the control promises is gone; {differ} nothing"


def _not_judgeable(
    control: RunRecord, candidate: RunRecord, mismatches: Sequence[Mismatch], *, varied: bool
) -> list[str]:
    """Why these runs cannot be judged, or nothing where they can.

    That they end badly is a reason only where it is not `varied` answers that may have brought it about.
    """
    runs = (("control", control), ("candidate", candidate))
    failures = [
        (failure, f"the {side} failed at {failure.task}: {one_line(failure.reason)}")
        for side, record in runs
        for failure in record.summary.outcome.failures
    ]
    reasons = [reason for failure, reason in failures if failure.cause in SURROUNDINGS]
    if reasons and not any(_own_reaction(mismatch) for mismatch in mismatches):
        return reasons
    # Of a task that broke in both, all around it can still be compared; of a run that was cut off, nothing.
    if not varied and any(
        failure.cause in _OWN
        and (group_named(failure.task) is None or failure not in candidate.summary.outcome.failures)
        for failure in control.summary.outcome.failures
    ):
        return [reason for failure, reason in failures if failure.cause in _OWN]
    outcomes = [record.summary.outcome for _, record in runs]
    unfinished = all(outcome.status is not OutcomeStatus.FINISHED for outcome in outcomes)
    if unfinished and not mismatches and not varied:
        return [f"both ended alike, and neither with a whole project: it {describe_outcome(outcomes[0])}"]
    return [
        f"no call of the {side} went through the gateway"
        for side, record in runs
        if not record.calls and record.summary.outcome.status is OutcomeStatus.FINISHED
    ]


def _own_reaction(mismatch: Mismatch) -> bool:
    """Whether it is an engine's own doing how often it asks, whatever the model makes of it."""
    return mismatch.kind is Kind.REPEATED and mismatch.layer is Layer.CONVERSATION and not mismatch.follows


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
