"""The speed-up over several pairs of runs: its estimate, its confidence interval, and what that decides.

What is averaged are logarithms of ratios, so that twice as fast and half as fast cancel out. The interval is
a bootstrap of their mean at expanded percentiles (T. Hesterberg, What Teachers Should Know About the
Bootstrap, 2015, section 5.3), as the plain percentile interval is too narrow for few pairs. With five they
still are: no resample lies beyond the extremes, and 4 % of the intervals lay on one side of the truth where
2.5 % may. So the interval reaches at least as far as Student's.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["LEAST_PAIRS", "SpeedupEstimate", "estimate_speedup", "judge_speedup", "more_pairs_needed"]

LEAST_PAIRS = 5
"""From so many pairs on their spread says how sure the mean is."""

ALLOWANCE = 1.25
"""What two runs of the same on one machine may differ by, where there are too few pairs to know."""

MOST_PAIRS = 10_000
"""What would need more pairs than these is left undecided."""

_RESAMPLES = 9_999
_SEED = 20_260_101
_FENCE = 1.5


class SpeedupEstimate(BaseModel):
    """The speed-up of several pairs with its confidence interval; ratios of control to candidate."""

    model_config = ConfigDict(frozen=True)

    pairs: int
    speedup: float
    """The geometric mean."""
    low: float
    high: float
    confidence: float | None
    """None where the interval is an allowance: nothing is known of how sure it is."""
    method: str
    """Where the interval comes from, in words."""
    outliers: tuple[int, ...] = ()
    """Which pairs lie beyond Tukey's fences. They are counted like all others."""

    def __str__(self) -> str:
        sure = "allowed, not measured" if self.confidence is None else f"{self.confidence:.0%} confidence"
        counted = f"{self.pairs} pair{'' if self.pairs == 1 else 's'}"
        return f"{self.speedup:.2f}, between {self.low:.2f} and {self.high:.2f} ({sure}, {counted})"


def estimate_speedup(pairs: Sequence[tuple[float, float]], *, confidence: float = 0.95) -> SpeedupEstimate:
    """The estimate from `pairs` of wall-clocks (control, candidate) in seconds, all above 0.

    Raises `ValueError` where there is no pair.
    """
    if not pairs:
        raise ValueError("no pair, no speed-up")
    ratios = [math.log(control_s / candidate_s) for control_s, candidate_s in pairs]
    mean = math.fsum(ratios) / len(ratios)
    if len(ratios) < LEAST_PAIRS:
        low, high = mean - math.log(ALLOWANCE), mean + math.log(ALLOWANCE)
        method = (
            f"{len(ratios)} pair{'s are' if len(ratios) > 1 else ' is'} too few to know their spread: "
            f"{ALLOWANCE - 1:.0%} allowed each way; from {LEAST_PAIRS} pairs on it is measured"
        )
    else:
        low, high = _interval(ratios, confidence)
        method = (
            f"bootstrap of the mean log ratio of {len(ratios)} pairs, expanded percentiles, "
            "at least Student's interval"
        )
    return SpeedupEstimate(
        pairs=len(ratios),
        speedup=math.exp(mean),
        low=math.exp(low),
        high=math.exp(high),
        confidence=None if len(ratios) < LEAST_PAIRS else confidence,
        method=method,
        outliers=_outliers(ratios),
    )


def judge_speedup(estimate: SpeedupEstimate, least: float) -> Literal["met", "unmet", "inconclusive"]:
    """Whether a speed-up of `least` is met: the interval is above it, below it, or across it."""
    if estimate.low >= least:
        return "met"
    return "unmet" if estimate.high < least else "inconclusive"


def more_pairs_needed(estimate: SpeedupEstimate, least: float) -> int | None:
    """How many further pairs would decide on `least`, should the mean and the spread stay as they are.

    They will not quite stay, so it is a guess, right about every other time. None where the mean is so near
    to `least` that `MOST_PAIRS` would not do.
    """
    if judge_speedup(estimate, least) != "inconclusive":
        return 0
    if estimate.confidence is None:
        return LEAST_PAIRS - estimate.pairs
    from scipy import stats

    tail = (1 + estimate.confidence) / 2

    def widths(pairs: int) -> float:
        """The half of Student's interval, in standard deviations."""
        return float(stats.t.ppf(tail, pairs - 1)) / math.sqrt(pairs)

    nearest = estimate.low if estimate.speedup >= least else estimate.high
    deviation = abs(math.log(estimate.speedup / nearest)) / widths(estimate.pairs)
    distance = abs(math.log(estimate.speedup / least))
    more = range(1, MOST_PAIRS - estimate.pairs + 1)
    place = bisect_left(more, True, key=lambda pairs: deviation * widths(estimate.pairs + pairs) < distance)
    return more[place] if place < len(more) else None


def _interval(ratios: Sequence[float], confidence: float) -> tuple[float, float]:
    # Here, as it takes a second to load.
    import numpy as np
    from scipy import stats

    if len(set(ratios)) == 1:
        # Every resample is the same.
        return ratios[0], ratios[0]
    count = len(ratios)
    sample = np.asarray(ratios)
    quantile = float(stats.t.ppf((1 + confidence) / 2, count - 1))
    expanded = 1 - 2 * float(stats.norm.cdf(-quantile * math.sqrt(count / (count - 1))))
    found = stats.bootstrap(
        (sample,),
        np.mean,
        confidence_level=expanded,
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    mean, half = float(sample.mean()), quantile * float(sample.std(ddof=1)) / math.sqrt(count)
    low, high = found.confidence_interval
    return min(float(low), mean - half), max(float(high), mean + half)


def _outliers(ratios: Sequence[float]) -> tuple[int, ...]:
    if len(ratios) < LEAST_PAIRS:
        return ()
    import numpy as np

    first, third = (float(value) for value in np.percentile(ratios, [25, 75]))
    beyond = _FENCE * (third - first)
    return tuple(place for place, ratio in enumerate(ratios) if not first - beyond <= ratio <= third + beyond)
