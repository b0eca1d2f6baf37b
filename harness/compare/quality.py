"""Quality: whether the candidate's runs turn out well no more seldom than the control's, but for a margin.

The interval of the difference is R. G. Newcombe's hybrid score interval (Interval Estimation for the
Difference Between Independent Proportions, 1998, method 11), from Wilson intervals with continuity
correction. Without the correction (method 10), with five runs of each and a margin of 0.2, a candidate that
was worse by the margin passed in up to 5.5 %, where 2.5 % may.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["QualityJudgement", "Tally", "judge_quality"]

MOST_RUNS = 100_000
"""What would need more runs than these is left undecided."""

Kind = Literal["passed", "failed", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of one side's runs turned out well, over all specs and repeats."""

    good: int
    runs: int

    def __post_init__(self) -> None:
        if not 0 <= self.good <= self.runs:
            raise ValueError(f"more runs turned out well than there are: {self}")


class QualityJudgement(BaseModel):
    """Whether the candidate is as good in one respect; the difference is candidate - control.

    Passed where the whole interval of the difference is above -margin, failed where it is below, inconclusive
    where it is across, and where a side has no run.
    """

    model_config = ConfigDict(frozen=True)

    quality: str
    """What was judged: `compiles`, `starts`."""
    kind: Kind
    control: Tally
    candidate: Tally
    control_rate: float | None
    candidate_rate: float | None
    """None where there was no run."""
    low: float
    high: float
    margin: float
    confidence: float
    more_runs: int | None
    """How many more runs of each side would decide, should the rates stay; without a run a rate counts as 1.

    0 where it is decided, None where `MOST_RUNS` would not do.
    """

    def __str__(self) -> str:
        sides = (("candidate", self.candidate), ("control", self.control))
        counted = " and ".join(f"{tally.good} of {tally.runs} runs of the {side}" for side, tally in sides)
        return (
            f"{self.quality}: {counted}, a difference between {self.low:+.2f} and {self.high:+.2f} "
            f"({self.confidence:.0%} confidence); down to {-self.margin:+.2f} is allowed"
        )


def judge_quality(
    quality: str, control: Tally, candidate: Tally, *, margin: float, confidence: float = 0.95
) -> QualityJudgement:
    """Hold the candidate's tally against the control's; wrongly passed or failed in (1 - confidence) / 2."""
    if not 0 < margin < 1:
        raise ValueError(f"a margin lies between 0 and 1, not at {margin}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    before, after = _rate(control), _rate(candidate)

    def interval(more: int) -> tuple[float, float]:
        sides = ((1.0 if before is None else before, control), (1.0 if after is None else after, candidate))
        return _difference(*((rate, tally.runs + more) for rate, tally in sides), z=z)

    low, high = (-1.0, 1.0) if before is None or after is None else interval(0)
    kind = _kind(low, high, margin)
    runs = range(1, MOST_RUNS + 1)
    place = bisect_left(runs, True, key=lambda more: _kind(*interval(more), margin) != "inconclusive")
    return QualityJudgement(
        quality=quality,
        kind=kind,
        control=control,
        candidate=candidate,
        control_rate=before,
        candidate_rate=after,
        low=low,
        high=high,
        margin=margin,
        confidence=confidence,
        more_runs=0 if kind != "inconclusive" else runs[place] if place < len(runs) else None,
    )


def _rate(tally: Tally) -> float | None:
    return tally.good / tally.runs if tally.runs else None


def _kind(low: float, high: float, margin: float) -> Kind:
    if low > -margin:
        return "passed"
    return "failed" if high < -margin else "inconclusive"


def _difference(control: tuple[float, int], candidate: tuple[float, int], *, z: float) -> tuple[float, float]:
    (before, _), (after, _) = control, candidate
    before_low, before_high = _wilson(*control, z)
    after_low, after_high = _wilson(*candidate, z)
    difference = after - before
    return (
        difference - math.hypot(after - after_low, before_high - before),
        difference + math.hypot(after_high - after, before - before_low),
    )


def _wilson(rate: float, runs: int, z: float) -> tuple[float, float]:
    """Wilson's interval with continuity correction.

    Of a rate, not of a whole number as scipy wants it: runs that are yet to be made have no such number.
    """
    centre, scale = 2 * runs * rate + z * z, 2 * (runs + z * z)
    within = z * z - 1 / runs + 4 * runs * rate * (1 - rate)
    correction = 4 * rate - 2
    low = (centre - 1 - z * math.sqrt(max(within + correction, 0.0))) / scale
    high = (centre + 1 + z * math.sqrt(max(within - correction, 0.0))) / scale
    return (0.0 if rate == 0 else max(low, 0.0)), (1.0 if rate == 1 else min(high, 1.0))
