"""What benchmarks may say, and how their promises are judged."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.results import Ratio, Results


@pytest.mark.parametrize(
    ("values", "promise", "kept"),
    [
        ([1.0, 1.02, 9.0], {"at_most": 1.02}, True),
        ([1.0, 1.03, 1.03], {"at_most": 1.02}, False),
        ([2.0, 300.0, 301.0], {"at_least": 300}, True),
        ([299.0], {"at_least": 300}, False),
        ([1.0], {}, None),
    ],
)
def test_the_median_is_judged(values: list[float], promise: dict[str, Any], kept: bool | None) -> None:
    told: list[Ratio] = []
    results = Results(told.append)
    results.ratio("Size", "5 modules", "async", values, over="lower bound", **promise)
    assert [ratio.kept for ratio in told] == [kept]


@pytest.mark.parametrize(
    ("values", "more", "words"),
    [
        ([], {}, "Size, 5 modules: async over lower bound: no ratios"),
        ([1.0, float("nan")], {}, "a ratio is no number"),
        ([1.0], {"at_most": 1, "at_least": 1}, "promise at_most or at_least"),
        ([1.0], {"case": "5 modules, again"}, "given before"),
    ],
)
def test_what_cannot_be_judged_breaks_the_benchmark(
    values: list[float], more: dict[str, Any], words: str
) -> None:
    results = Results()
    results.ratio("Size", "5 modules, again", "async", [1.0], over="lower bound")
    case = more.pop("case", "5 modules")
    with pytest.raises(ValueError, match=words):
        results.ratio("Size", case, "async", values, over="lower bound", **more)
