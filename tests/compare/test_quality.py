"""Non-inferiority: a candidate that is worse by the margin passes no more often than claimed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy import stats

from harness.compare.quality import QualityJudgement, Tally, judge_quality

COMPARISONS = 1_000
# What 2.5 % may come to in so many comparisons, by chance alone, once in a hundred times.
MOST_WRONG = int(stats.binom.ppf(0.99, COMPARISONS, 0.025))


def judged(control: Tally, candidate: Tally, margin: float = 0.1) -> QualityJudgement:
    return judge_quality("compiles", control, candidate, margin=margin)


def many(control: float, candidate: float, runs: int, margin: float) -> Counter[str]:
    """What is said in many comparisons of sides whose runs turn out well at these rates."""
    rng = np.random.default_rng([runs, round(control * 100), round(candidate * 100)])
    good = rng.binomial(runs, [control, candidate], (COMPARISONS, 2))
    return Counter(judged(Tally(int(a), runs), Tally(int(b), runs), margin).kind for a, b in good)


@pytest.mark.parametrize("runs", [5, 20, 50])
@pytest.mark.parametrize("control", [0.6, 0.95])
def test_worse_by_the_margin_is_decided_either_way_no_more_often_than_claimed(
    control: float, runs: int
) -> None:
    said = many(control, control - 0.2, runs, 0.2)
    assert said["passed"] <= MOST_WRONG
    assert said["failed"] <= MOST_WRONG


def test_what_is_as_good_passes_the_more_often_the_more_runs_there_are() -> None:
    said = [many(0.9, 0.9, runs, 0.1) for runs in (20, 100, 400)]
    assert said[0]["passed"] < said[1]["passed"] < said[2]["passed"]
    assert said[2]["passed"] > 0.95 * COMPARISONS
    assert sum(each["failed"] for each in said) <= MOST_WRONG


def test_what_is_much_worse_fails() -> None:
    assert many(0.95, 0.5, 50, 0.1)["failed"] > 0.9 * COMPARISONS


@pytest.mark.parametrize(("good", "runs"), [(0, 7), (7, 7), (3, 11), (10, 11), (1, 1), (40, 200)])
def test_the_interval_is_newcombes_of_scipys_wilson_intervals(good: int, runs: int) -> None:
    control, candidate = Tally(5, 9), Tally(good, runs)
    before, after = (
        stats.binomtest(tally.good, tally.runs).proportion_ci(0.95, method="wilsoncc")
        for tally in (control, candidate)
    )
    p, q = 5 / 9, good / runs
    found = judged(control, candidate)
    assert found.low == pytest.approx(q - p - np.hypot(q - after.low, before.high - p))
    assert found.high == pytest.approx(q - p + np.hypot(after.high - q, p - before.low))


@pytest.mark.parametrize(
    ("control", "candidate"),
    [
        (Tally(10, 10), Tally(10, 10)),
        (Tally(18, 20), Tally(9, 10)),
        (Tally(9, 10), Tally(7, 10)),
        (Tally(0, 0), Tally(0, 0)),
        (Tally(0, 0), Tally(5, 5)),
    ],
)
def test_so_many_more_runs_at_the_same_rates_decide(control: Tally, candidate: Tally) -> None:
    """Counted in tens, as other numbers of runs do not have these rates; one ten fewer do not decide."""
    found = judged(control, candidate)
    assert found.kind == "inconclusive"
    assert found.more_runs
    rates = [tally.good / tally.runs if tally.runs else 1.0 for tally in (control, candidate)]

    def with_more(more: int) -> str:
        sides = [
            Tally(round(rate * (tally.runs + more)), tally.runs + more)
            for rate, tally in zip(rates, (control, candidate), strict=True)
        ]
        return judged(*sides).kind

    assert with_more(-(-found.more_runs // 10) * 10) != "inconclusive"
    assert with_more((found.more_runs - 1) // 10 * 10) == "inconclusive"


def test_what_is_decided_needs_no_more_runs() -> None:
    assert judged(Tally(90, 100), Tally(95, 100)).more_runs == 0
    assert judged(Tally(90, 100), Tally(50, 100)).more_runs == 0


def test_a_difference_right_on_the_margin_is_never_decided() -> None:
    assert judged(Tally(3, 4), Tally(2, 4), margin=0.25).more_runs is None


def test_no_run_on_one_side_is_never_a_pass() -> None:
    found = judged(Tally(0, 0), Tally(50, 50))
    assert (found.kind, found.control_rate, found.candidate_rate) == ("inconclusive", None, 1.0)
    assert (found.low, found.high) == (-1.0, 1.0)


def test_better_than_the_control_passes() -> None:
    assert judged(Tally(10, 40), Tally(35, 40)).kind == "passed"


@pytest.mark.parametrize("margin", [0.0, 1.0, -0.1])
def test_a_margin_that_is_none_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        judged(Tally(1, 1), Tally(1, 1), margin)


def test_more_good_runs_than_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="more runs turned out well"):
        Tally(3, 2)
