"""The speed-up's interval: how often it is wrong is what it claims, on timings whose truth is known."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from harness.compare import speedup
from harness.compare.speedup import SpeedupEstimate, estimate_speedup, judge_speedup, more_pairs_needed

COMPARISONS = 500
# What 2.5 % may come to in so many comparisons, by chance alone, once in a hundred times.
MOST_WRONG = int(stats.binom.ppf(0.99, COMPARISONS, 0.025))


@pytest.fixture
def fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand intervals in a second: fewer resamples make the bootstrap coarser, not more certain."""
    monkeypatch.setattr(speedup, "_RESAMPLES", 999)


def judgements(
    pairs: int, gain: float, *, rare_stalls: bool = False, comparisons: int = COMPARISONS
) -> Counter[str]:
    """What is said of "no slower than before" in many comparisons whose true speed-up is `gain`."""
    rng = np.random.default_rng([pairs, round(gain * 100), rare_stalls])
    walls = 10 * np.exp(rng.normal(0, 0.05, (comparisons, pairs, 2)))
    if rare_stalls:
        walls *= 1 + 0.5 * (rng.random(walls.shape) < 0.1)
    walls[:, :, 1] /= gain
    return Counter(
        judge_speedup(estimate_speedup([(float(a), float(b)) for a, b in comparison]), 1.0)
        for comparison in walls
    )


def made(low: float, mean: float, high: float, pairs: int = 10) -> SpeedupEstimate:
    return SpeedupEstimate(
        pairs=pairs,
        speedup=mean,
        low=low,
        high=high,
        confidence=0.95 if pairs >= 5 else None,
        method="made up",
    )


@pytest.mark.usefixtures("fewer_resamples")
@pytest.mark.parametrize("rare_stalls", [False, True])
@pytest.mark.parametrize("pairs", [5, 10, 20])
def test_no_speed_up_is_taken_for_one_no_more_often_than_claimed(pairs: int, rare_stalls: bool) -> None:
    """95 % confidence: at most 2.5 % on either side of the truth."""
    said = judgements(pairs, 1.0, rare_stalls=rare_stalls)
    assert said["met"] <= MOST_WRONG
    assert said["unmet"] <= MOST_WRONG


@pytest.mark.usefixtures("fewer_resamples")
def test_a_tenth_faster_is_seen_the_more_often_the_more_pairs_there_are() -> None:
    comparisons = 300
    said = [judgements(pairs, 1.1, comparisons=comparisons) for pairs in (5, 10, 20)]
    seen = [each["met"] for each in said]
    assert all(fewer < more for fewer, more in itertools.pairwise(seen))
    assert seen[0] > 0.4 * comparisons
    assert seen[-1] > 0.99 * comparisons
    assert [each["unmet"] for each in said] == [0, 0, 0]


def test_too_few_pairs_are_allowed_a_quarter_each_way_and_say_so() -> None:
    estimate = estimate_speedup([(20.0, 10.0), (20.0, 10.0)])
    assert (estimate.speedup, estimate.low, estimate.high) == pytest.approx((2.0, 1.6, 2.5))
    assert estimate.method.startswith("2 pairs are too few to know their spread: 25% allowed each way")


def test_twice_as_fast_and_half_as_fast_cancel_out() -> None:
    assert estimate_speedup([(10.0, 20.0), (20.0, 10.0)]).speedup == pytest.approx(1.0)


def test_the_same_pairs_give_the_same_interval() -> None:
    pairs = [(10.0 + n % 3, 5.0 + n % 4) for n in range(12)]
    assert estimate_speedup(pairs) == estimate_speedup(pairs)


def test_more_confidence_needs_a_wider_interval() -> None:
    pairs = [(10.0 + n % 3, 5.0 + n % 4) for n in range(12)]
    sure, surer = estimate_speedup(pairs, confidence=0.9), estimate_speedup(pairs, confidence=0.99)
    assert surer.low < sure.low < sure.speedup < sure.high < surer.high


def test_the_interval_reaches_further_to_the_side_of_a_long_tail() -> None:
    """As a bootstrap's does, and a symmetric one's does not."""
    estimate = estimate_speedup([*[(10.0 + n / 100, 10.0) for n in range(19)], (20.0, 10.0)])
    below, above = estimate.speedup / estimate.low, estimate.high / estimate.speedup
    assert math.log(above) > 1.2 * math.log(below)


def test_equal_pairs_have_no_spread() -> None:
    estimate = estimate_speedup([(20.0, 10.0)] * 5)
    assert estimate.low == estimate.high == pytest.approx(2.0)


def test_an_outlier_is_shown_and_still_counted() -> None:
    pairs = [(20.0, 10.0 + n / 10) for n in range(6)]
    estimate = estimate_speedup([*pairs, (20.0, 40.0)])
    assert estimate.outliers == (6,)
    assert estimate.pairs == 7
    assert estimate.speedup == pytest.approx(stats.gmean([a / b for a, b in [*pairs, (20.0, 40.0)]]))


def test_no_pair_has_no_speed_up() -> None:
    with pytest.raises(ValueError, match="no pair"):
        estimate_speedup([])


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(1.5, 1.9, "met"), (1.4, 1.9, "inconclusive"), (1.1, 1.5, "inconclusive"), (1.1, 1.4, "unmet")],
)
def test_the_lower_end_decides_for_it_and_the_upper_end_against(low: float, high: float, said: str) -> None:
    assert judge_speedup(made(low, math.sqrt(low * high), high), 1.5) == said


@pytest.mark.parametrize("gain", [1.02, 0.98])
def test_so_many_more_pairs_of_the_same_spread_decide_and_one_fewer_do_not(gain: float) -> None:
    spread = [-0.1, 0.1, 0.0, -0.05, 0.05]
    estimate = estimate_speedup([(gain * math.exp(noise), 1.0) for noise in spread * 2])
    more = more_pairs_needed(estimate, 1.0)
    assert more is not None
    deviation = np.std([*spread * 2], ddof=1)
    enough = [
        stats.t.ppf(0.975, pairs - 1) * deviation / math.sqrt(pairs) < abs(math.log(gain))
        for pairs in (10 + more - 1, 10 + more)
    ]
    assert enough == [False, True]


def test_the_side_that_faces_the_limit_says_how_many_more_pairs_it_takes() -> None:
    """An interval is not the same width both ways."""
    narrow, wide = (more_pairs_needed(made(low, 1.5, 1.6), 1.45) for low in (1.44, 1.2))
    assert narrow is not None
    assert wide is not None
    assert narrow < 5 < 100 < wide


def test_what_is_decided_needs_no_more_pairs() -> None:
    assert more_pairs_needed(made(1.6, 1.7, 1.8), 1.5) == 0
    assert more_pairs_needed(made(1.2, 1.3, 1.4), 1.5) == 0


def test_too_few_pairs_need_as_many_as_show_their_spread() -> None:
    assert more_pairs_needed(made(1.2, 1.5, 1.9, pairs=2), 1.6) == 3


def test_a_speed_up_right_on_the_limit_is_never_decided() -> None:
    assert more_pairs_needed(made(1.4, 1.5, 1.6), 1.5) is None
