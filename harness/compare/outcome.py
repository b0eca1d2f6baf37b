"""The outcome layer: did both end the same way?"""

from __future__ import annotations

from collections.abc import Iterator

from agents.conversation import Cause
from harness.compare.conversation import ConversationResult
from harness.compare.mismatch import Kind, Layer, Mismatch, Severity, following
from harness.compare.text import one_line
from harness.record import Failure, OutcomeStatus, RunOutcome, RunRecord

__all__ = ["compare_outcomes", "describe_outcome", "failed_otherwise"]

# What words can explain. That an engine breaks or does not end is its own doing, whatever it was told.
_BY_WORDS = frozenset({Cause.ANSWER, Cause.REQUEST, Cause.MODEL})


def compare_outcomes(
    control: RunRecord, candidate: RunRecord, conversation: ConversationResult, *, left_alike: bool
) -> tuple[Mismatch, ...]:
    """What differs between the outcomes: failed tasks with their reasons, skipped tasks, defects.

    `conversation` explains failures, and failures explain what was skipped. `left_alike` says that both left
    the same; where they did not, that explains the defects.
    """
    ours, theirs = control.summary.outcome, candidate.summary.outcome
    failures = tuple(
        _failure(task, _by_task(ours).get(task), _by_task(theirs).get(task), conversation)
        for task in failed_otherwise(control, candidate)
    )
    skipped = tuple(_skipped(ours, theirs))
    defects = tuple(_defects(ours, theirs))
    if failures:
        skipped = following(skipped)
    if failures or not left_alike:
        defects = following(defects)
    found = failures + skipped + defects
    if not found and ours.status is not theirs.status:
        sentence = f"the candidate {describe_outcome(theirs)}; the control {describe_outcome(ours)}"
        breaks = ours.status is OutcomeStatus.FINISHED
        return (_mismatch("status", sentence, ours.status, theirs.status, breaks=breaks),)
    return found


def failed_otherwise(control: RunRecord, candidate: RunRecord) -> tuple[str, ...]:
    """The tasks that failed in one of the two only, or in both and not alike."""
    ours, theirs = _by_task(control.summary.outcome), _by_task(candidate.summary.outcome)
    return tuple(task for task in {**ours, **theirs} if ours.get(task) != theirs.get(task))


def describe_outcome(outcome: RunOutcome) -> str:
    """The outcome in a few words, with the first reason where it is not good."""
    if outcome.failures:
        first = outcome.failures[0]
        more = f" (and {len(outcome.failures) - 1} more)" if len(outcome.failures) > 1 else ""
        return f"failed at {first.task}: {one_line(first.reason)}{more}"
    if outcome.defects:
        more = f" (and {len(outcome.defects) - 1} more)" if len(outcome.defects) > 1 else ""
        return f"finished, but what it left is broken: {one_line(outcome.defects[0])}{more}"
    return outcome.status.value


def _by_task(outcome: RunOutcome) -> dict[str, Failure]:
    return {failure.task: failure for failure in outcome.failures}


def _failure(
    task: str, before: Failure | None, after: Failure | None, conversation: ConversationResult
) -> Mismatch:
    ours, theirs = (f"{one_line(f.reason)} (cause: {f.cause})" if f else None for f in (before, after))
    if before is None:
        sentence = f"{task} failed in the candidate only: {theirs}"
    elif after is None:
        sentence = f"{task} failed in the control only: {ours}"
    else:
        sentence = f"{task} failed in both, but not alike: {theirs} instead of {ours}"
    by_words = all(failure.cause in _BY_WORDS for failure in (before, after) if failure)
    explained = conversation.explains(task, by_words=by_words)
    return _mismatch(task, sentence, ours, theirs, follows=explained, breaks=before is None)


def _skipped(ours: RunOutcome, theirs: RunOutcome) -> Iterator[Mismatch]:
    for task in dict.fromkeys([*ours.skipped, *theirs.skipped]):
        if (task in ours.skipped) != (task in theirs.skipped):
            where = "control" if task in ours.skipped else "candidate"
            breaks = where == "candidate"
            yield _mismatch(task, f"{task} was skipped in the {where} only", breaks=breaks)


def _defects(ours: RunOutcome, theirs: RunOutcome) -> Iterator[Mismatch]:
    for defect in dict.fromkeys([*ours.defects, *theirs.defects]):
        if (defect in ours.defects) != (defect in theirs.defects):
            where = "control" if defect in ours.defects else "candidate"
            breaks = where == "candidate"
            yield _mismatch("defect", f"in the {where} only: {one_line(defect)}", breaks=breaks)


def _mismatch(
    path: str,
    sentence: str,
    control: str | None = None,
    candidate: str | None = None,
    *,
    follows: bool = False,
    breaks: bool = False,
) -> Mismatch:
    """A mismatch; it `breaks` where the control came through and the candidate did not."""
    return Mismatch(
        layer=Layer.OUTCOME,
        kind=Kind.FAILED,
        path=path,
        sentence=sentence,
        severity=Severity.BREAKING if breaks else Severity.MAJOR,
        control=control,
        candidate=candidate,
        follows=follows,
    )
