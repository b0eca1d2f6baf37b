"""The state stores of two runs: whether what a run left is in its store too, for whoever goes on from there.

The blackboard that is compared may be right, and the store that it comes from, or that mirrors it, wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare.mismatch import Kind, Layer, Mismatch, Severity
from harness.record import RunRecord

__all__ = ["compare_store"]


def compare_store(candidate: RunRecord) -> Iterator[Mismatch]:
    """In what the candidate's store differs from what it left; that the control's does so too is no excuse.

    A control that keeps its state in Redis shares the code that is to be judged.
    """
    for sentence in candidate.summary.store or ():
        yield Mismatch(
            layer=Layer.BLACKBOARD,
            kind=Kind.CHANGED,
            path="store",
            sentence=sentence,
            severity=Severity.BREAKING,
        )
