"""When a ratio is worse, or better, than that of a baseline by more than noise."""

from __future__ import annotations

import pytest

from benchmarks.baseline import Change, change, compare
from benchmarks.results import Key, Ratio, Results

FIVE = [1.00, 1.01, 1.02, 1.03, 1.04]
BETTER = "higher is better"


def ratio(values: list[float], *, higher: bool = False, case: str = "5 modules") -> Ratio:
    results = Results()
    promise = 0.1 if higher else None
    results.ratio("Size", case, "async", values, over="lower bound", at_least=promise)
    return results.ratios[0]


def shifted(values: list[float], by: float) -> list[float]:
    return [value + by for value in values]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (FIVE, FIVE, Change.NOISE),
        (FIVE, shifted(FIVE, 0.05), Change.WORSENED),
        (FIVE, shifted(FIVE, -0.05), Change.IMPROVED),
        # Surely worse, and by less than anybody minds.
        ([1.0, 1.0001, 1.0002, 1.0003, 1.0004], shifted(FIVE, 0.001)[:1] * 5, Change.NOISE),
        # By much at the median, and no more than rounds differ anyhow.
        ([1.0, 1.1, 1.5, 1.6, 1.9], [1.05, 1.2, 1.7, 1.8, 1.85], Change.NOISE),
        # Four rounds each cannot reach the test's significance: the spread of both decides.
        (FIVE[:4], shifted(FIVE[:4], 0.5), Change.WORSENED),
        (FIVE[:2], [1.022, 1.032], Change.NOISE),
        ([1.0, 1.1], [1.29, 1.31], Change.WORSENED),
        ([1.0, 1.1], [1.1, 1.3], Change.NOISE),
        # A single round says nothing of its noise.
        ([1.0], [1.24], Change.NOISE),
        ([1.0], [1.26], Change.WORSENED),
        (FIVE, [1.2], Change.NOISE),
        (FIVE, [0.7], Change.IMPROVED),
    ],
)
def test_a_change_is_one_beyond_the_noise_of_both(
    before: list[float], now: list[float], expected: Change
) -> None:
    assert change(ratio(before), ratio(now)) is expected


def test_where_higher_is_better_lower_is_worse() -> None:
    before = ratio([300.0, 301, 302, 303, 304], higher=True)
    assert change(before, ratio([200.0, 201, 202, 203, 204], higher=True)) is Change.WORSENED
    assert change(before, ratio([400.0, 401, 402, 403, 404], higher=True)) is Change.IMPROVED
    assert change(ratio([300.0], higher=True), ratio([200.0], higher=True)) is Change.WORSENED
    assert change(ratio([300.0, 320], higher=True), ratio([200.0, 220], higher=True)) is Change.WORSENED


def test_what_is_in_one_of_both_only_is_named() -> None:
    results = Results()
    results.ratio("Soak", "mixed", "async", [1.0], over="the begin")
    results.ratio("Gateway", "a call", "gateway", [0.4], over="2 ms", at_most=1, compared=False)
    before = (ratio(FIVE), ratio(FIVE, case="50 modules"), *results.ratios)
    found = compare("baseline.json", before, (ratio(FIVE), ratio(FIVE, case="500 modules")))
    assert [each.key.case for each in found.both] == ["5 modules"]
    assert found.gone == (Key("Size", "50 modules", "async", "lower bound"),)
    assert found.unmeasured == ("Soak",)
    assert [key.case for key in found.new] == ["500 modules"]
