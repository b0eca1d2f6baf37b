"""The comparisons on several specs that were made together, where quality is judged over all of them."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.comparison import Comparison
from harness.compare.qualities import over_all, verdict_on_quality
from harness.compare.verdict import Verdict, combined

__all__ = ["judge_all_specs"]


def judge_all_specs(
    comparisons: Sequence[Comparison], *, margin: float, repeat: int = 1
) -> tuple[Comparison, ...]:
    """`comparisons`, each with the quality over all specs in the place of its own in its verdict.

    How good a candidate is needs more runs than one spec has as a rule. `repeat` is how many pairs each had.
    """
    judged = [comparison for comparison in comparisons if comparison.verdict_but_quality is not None]
    if len(judged) < 2:
        return tuple(comparisons)
    quality = over_all([comparison.quality for comparison in judged], margin=margin)
    found = verdict_on_quality(quality, repeat=repeat, specs=len(judged))
    reasons = tuple(f"over {len(judged)} specs, {reason}" for reason in found.reasons)
    together = Verdict(status=found.status, reasons=reasons)
    return tuple(
        comparison
        if comparison.verdict_but_quality is None
        else comparison.model_copy(
            update={
                "quality_over_all": quality,
                "verdict": combined([comparison.verdict_but_quality, together]),
            }
        )
        for comparison in comparisons
    )
