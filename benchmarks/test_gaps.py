"""Filling the gaps of a module and reading them back: what ten cost, and a hundred.

What is parsed once is kept; so every round has codes of its own.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from agents.gap_answer import read_gap
from agents.gap_filling import codes_in, filled
from agents.gaps import Skeleton
from benchmarks.results import Results
from benchmarks.scale import Scale
from tests.agents.rendered import said, skeleton_of

TOTALS = "\n".join(f"total_{n} = sum(item[{n}] for item in items)  # {n}" for n in range(8))
BODY = f'''items = []
{TOTALS}
text = f"""
  {{total_0}}
"""
if not text:
    raise ValueError(text)
return total_7'''
GAPS = (10, 100)
ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 4, Scale.FULL: 7}
MOST_GROWTH = 2.0
"""Of the processor's time for each gap, from ten of them to a hundred."""

_numbers = itertools.count()


def fresh(gaps: int) -> tuple[Skeleton, dict[str, str]]:
    """A module with so many gaps, and codes that were never seen."""
    number = next(_numbers)
    names = [f"f{n}" for n in range(gaps)]
    return skeleton_of(*names), {"shared": "", **{name: f"x = {number}\n{BODY}  # {name}" for name in names}}


def fill(skeleton: Skeleton, codes: dict[str, str]) -> str:
    return filled(skeleton, codes)


def read_back(skeleton: Skeleton, source: str, codes: dict[str, str]) -> None:
    assert codes_in(skeleton, source) == codes


def check(skeleton: Skeleton, codes: dict[str, str]) -> None:
    assert read_gap(said(codes["f0"]), skeleton.gap("f0"), skeleton) == codes["f0"]


def to_fill(gaps: int) -> tuple[object, ...]:
    return fresh(gaps)


def to_read_back(gaps: int) -> tuple[object, ...]:
    skeleton, codes = fresh(gaps)
    return skeleton, filled(skeleton, codes), codes


WORK: dict[str, tuple[Callable[..., object], Callable[[int], tuple[object, ...]]]] = {
    "filling": (fill, to_fill),
    "reading back": (read_back, to_read_back),
    "checking one answer": (check, to_fill),
}


@pytest.mark.parametrize("gaps", GAPS)
@pytest.mark.parametrize("work", WORK)
def test_gaps(benchmark: BenchmarkFixture, scale: Scale, work: str, gaps: int) -> None:
    """All gaps of a module at once; of an answer, what it makes of the module is parsed as a whole."""
    done, prepared = WORK[work]
    benchmark.pedantic(done, setup=lambda: (prepared(gaps), {}), rounds=ROUNDS[scale])


def test_a_hundred_gaps_cost_ten_times_what_ten_do(scale: Scale, results: Results) -> None:
    """Filled and read back, by turns."""
    took_s: dict[int, list[float]] = {gaps: [] for gaps in GAPS}

    for _ in range(ROUNDS[scale]):
        for gaps in GAPS:
            skeleton, codes = fresh(gaps)
            began_s = time.process_time()
            source = filled(skeleton, codes)
            assert codes_in(skeleton, source) == codes
            took_s[gaps].append(time.process_time() - began_s)

    growth = [many_s / few_s / 10 for many_s, few_s in zip(took_s[100], took_s[10], strict=True)]
    case = "100 gaps, filled and read back"
    results.ratio("Processor time", case, "each gap", growth, over="each of 10 gaps", at_most=MOST_GROWTH)
    results.figure("Processor time", case, "each gap", 1000 * median(took_s[100]) / 100, "ms")
