"""Whether a comparison has a speed-up that says something, and why not where it has none."""

from __future__ import annotations

from harness.compare import Comparison
from harness.record import OutcomeStatus

__all__ = ["has_speedup", "speedup_sentence", "why_no_speedup"]


def has_speedup(comparison: Comparison) -> bool:
    """Whether both came to their end in one go, so that the time they took says something."""
    sides = (comparison.control, comparison.candidate)
    return comparison.model.time_scale != 0 and all(
        side.outcome.status is not OutcomeStatus.FAILED
        and side.timing.sittings == 1
        and not side.timing.taken_over
        for side in sides
    )


def why_no_speedup(comparison: Comparison) -> str:
    """Why one that `has_speedup` denies has none."""
    if comparison.model.time_scale == 0:
        return "no speed-up: replayed at once"
    sides = (comparison.control, comparison.candidate)
    if any(side.timing.sittings > 1 for side in sides):
        return "no speed-up: a run was resumed"
    taken = any(side.timing.taken_over for side in sides)
    return f"no speed-up: {'tasks were taken over' if taken else 'a run failed'}"


def speedup_sentence(comparison: Comparison) -> str:
    """The speed-up with its interval, of one pair without one; why there is none."""
    if comparison.repeats and comparison.repeats.speedup:
        return f"speed-up {comparison.repeats.speedup}"
    if comparison.repeats:
        return "no speed-up: no pair has times that count"
    if has_speedup(comparison):
        return f"speed-up {comparison.speedup:.2f}, of one pair: --repeat 5 gives it an interval"
    return why_no_speedup(comparison)
