"""The outcome layer: did both end the same way?"""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.record import RunOutcome, RunRecord

__all__ = ["compare_outcomes", "describe_outcome"]


def compare_outcomes(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What differs between the outcomes: status, failed tasks with their reasons, skipped tasks, defects."""
    ours, theirs = control.summary.outcome, candidate.summary.outcome
    if ours.status is not theirs.status:
        yield _mismatch(
            "status",
            f"the candidate {describe_outcome(theirs)}; the control {describe_outcome(ours)}",
            ours.status,
            theirs.status,
        )
    failed = {f.task: f for f in ours.failures}
    also_failed = {f.task: f for f in theirs.failures}
    for task in {**failed, **also_failed}:
        before, after = failed.get(task), also_failed.get(task)
        if before is None and after is not None:
            yield _mismatch(task, f"{task} failed in the candidate only: {after.reason}", None, after.reason)
        elif after is None and before is not None:
            yield _mismatch(task, f"{task} failed in the control only: {before.reason}", before.reason, None)
        elif before and after and before.reason != after.reason:
            sentence = f"{task} failed in both, but not alike: {after.reason} instead of {before.reason}"
            yield _mismatch(task, sentence, before.reason, after.reason)
    for task in sorted(set(ours.skipped) ^ set(theirs.skipped)):
        where = "control" if task in ours.skipped else "candidate"
        yield _mismatch(task, f"{task} was skipped in the {where} only", None, None)
    for defect in sorted(set(ours.defects) ^ set(theirs.defects)):
        where = "control" if defect in ours.defects else "candidate"
        yield _mismatch("defect", f"in the {where} only: {defect}", None, None)


def describe_outcome(outcome: RunOutcome) -> str:
    """The outcome in a few words, with the first reason where it is not good."""
    if outcome.failures:
        first = outcome.failures[0]
        more = f" (and {len(outcome.failures) - 1} more)" if len(outcome.failures) > 1 else ""
        return f"failed at {first.task}: {first.reason}{more}"
    if outcome.defects:
        more = f" (and {len(outcome.defects) - 1} more)" if len(outcome.defects) > 1 else ""
        return f"finished, but what it left is broken: {outcome.defects[0]}{more}"
    return "finished"


def _mismatch(path: str, sentence: str, control: str | None, candidate: str | None) -> Mismatch:
    return Mismatch(
        layer=Layer.OUTCOME,
        kind=Kind.FAILED,
        path=path,
        sentence=sentence,
        control=control,
        candidate=candidate,
    )
