"""The pairs in print: every pair is shown, and what is odd about one stands beside it."""

from __future__ import annotations

import io

from rich.console import Console

from harness.compare import Pair, Repeats, Status
from harness.compare.speedup import estimate_speedup
from harness.report.repeats import interval_lines, repeats_table


def _pair(place: int, candidate_s: float, status: Status = Status.PASS) -> Pair:
    return Pair(
        control=f"c{place}",
        candidate=f"d{place}",
        first="candidate" if place % 2 else "control",
        control_wall_s=30.0,
        candidate_wall_s=candidate_s,
        warm_up=place == 0,
        timed=place > 0,
        load=1.25,
        status=status,
        mismatches=0 if status is Status.PASS else 1,
    )


def _printed(repeats: Repeats) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=100, highlight=False)
    console.print(repeats_table(repeats), *interval_lines(repeats))
    return out.getvalue().splitlines()


def test_an_outlier_is_shown_and_counted() -> None:
    walls = [10.0, 10.0, 10.1, 10.2, 10.1, 40.0, 10.0, 10.1]
    pairs = tuple(_pair(place, wall_s) for place, wall_s in enumerate(walls))
    estimate = estimate_speedup([(30.0, wall_s) for wall_s in walls[1:]])
    lines = _printed(Repeats(pairs=pairs, speedup=estimate))
    assert [line.split()[0] for line in lines[1:9]] == ["warm-up", *["pair"] * 7]
    assert [n for n, line in enumerate(lines[1:9]) if "outlier, counted" in line] == [5]
    assert any("(95% confidence, 7 pairs)" in line for line in lines)


def test_a_pair_that_differed_says_so() -> None:
    pairs = (_pair(0, 10.0), _pair(1, 10.0, Status.FAIL), _pair(2, 10.0))
    lines = _printed(Repeats(pairs=pairs, speedup=estimate_speedup([(30.0, 10.0)] * 2)))
    assert [n for n, line in enumerate(lines[1:4]) if "FAIL, 1 mismatch" in line] == [1]


def test_without_times_nothing_is_said_of_a_speed_up() -> None:
    lines = _printed(Repeats(pairs=(_pair(0, 10.0),), speedup=None))
    assert "nothing is said of a speed-up" in lines[-1]
