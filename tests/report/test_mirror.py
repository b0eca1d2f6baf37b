"""Mirrors on the terminal: every drift with its path and both values, cut short only where it is said."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from async_arch.document_mirror import Saved
from harness.report.mirror import (
    drift_sentence,
    print_backfill,
    print_export,
    print_follow,
    print_repair,
    print_verify,
)
from harness.report.mirror_progress import BackfillProgress, FollowProgress
from harness.state.backfill import Backfilled, BackfillOutcome
from harness.state.board import read_board
from harness.state.drift import MISSING, Drift, DriftKind
from harness.state.export import Export
from harness.state.follow_summary import FollowSummary
from harness.state.project import project_at
from harness.state.repair import Repair, Side
from harness.state.verify import Standing, Verification
from tests.state.projects import write

SUMMARY = FollowSummary(
    project="/p/shop",
    run="shop-1",
    seen=12,
    mirrored=11,
    half_written=3,
    lag_median_ms=12.34,
    lag_max_ms=40.0,
    writes=30,
    size=123_456,
    caught_up=True,
    drifted=False,
    problem=None,
)


def printed(show: Callable[..., None], *args: Any) -> str:
    out = io.StringIO()
    show(Console(file=out, width=80, highlight=False, force_terminal=False), *args)
    return out.getvalue()


@pytest.mark.parametrize(
    ("drift", "sentence"),
    [
        (Drift(DriftKind.CHANGED, "a.b", "one", "two"), "a.b is “two” in Redis, “one” in the file"),
        (Drift(DriftKind.CHANGED, "a", 1, "1"), 'a is “"1"” in Redis, “1” in the file'),
        (Drift(DriftKind.CHANGED, "a", 1, 1.0), "a is “1.0” in Redis, “1” in the file"),
        (Drift(DriftKind.CHANGED, "a", None, {}), "a is “{}” in Redis, “null” in the file"),
        (
            Drift(DriftKind.MISSING, "logs[3]", {"n": 1}, MISSING),
            'logs[3] is missing in Redis (file: {"n": 1})',
        ),
        (Drift(DriftKind.EXTRA, "logs[3]", MISSING, None), "logs[3] is only in Redis (null)"),
        (
            Drift(DriftKind.ORDER, "modules.Cart", 0, 2),
            "modules.Cart stands at place 2 in Redis, at 0 in the file",
        ),
        (Drift(DriftKind.CHANGED, "a", "x\x1b[31m", "x"), "a is “x” in Redis, “x\\x1b[31m” in the file"),
        (Drift(DriftKind.CHANGED, "a", "\ud800", "é"), "a is “é” in Redis, “\\ud800” in the file"),
    ],
)
def test_a_drift_is_one_line_with_both_values(drift: Drift, sentence: str) -> None:
    assert drift_sentence(drift) == sentence


def test_long_values_are_cut_where_they_differ() -> None:
    drift = Drift(DriftKind.CHANGED, "a", "x" * 5000 + "one", "x" * 5000 + "two")
    said = drift_sentence(drift)
    assert len(said) < 200
    assert "one" in said
    assert "two" in said


def test_of_many_drifts_the_first_are_shown_and_the_rest_is_counted() -> None:
    drifts = tuple(Drift(DriftKind.CHANGED, f"logs[{number}]", 1, 2) for number in range(4321))
    said = printed(print_verify, [Verification("/p/shop", "shop-1", Standing.DRIFT, drifts)])
    assert "4321 drifts" in said
    assert "logs[19] is" in said
    assert "logs[20] is" not in said
    assert "and 4301 more; --json has them all" in said


def test_one_more_than_is_shown_is_said() -> None:
    drifts = tuple(Drift(DriftKind.CHANGED, f"logs[{number}]", 1, 2) for number in range(20))
    assert "more" not in printed(print_verify, [Verification("/p", "r", Standing.DRIFT, drifts)])


def test_of_many_projects_those_that_are_equal_are_counted() -> None:
    found = [Verification(f"/p/{number}", "r", Standing.EQUAL) for number in range(50)]
    found.insert(25, Verification("/p/odd", "r", Standing.NO_FILE, reason="/p/odd: has no blackboard"))
    said = printed(print_verify, found)
    assert "/p/odd: no file" in said
    assert "/p/12" not in said
    assert "51 projects: 50 equal, 1 no file" in said


def test_how_following_went() -> None:
    said = printed(print_follow, [SUMMARY])
    for words in (
        "in Redis as shop-1",
        "12 states seen, 11 mirrored, 3 half-written",
        "lag 12.3 ms median, 40.0 ms at most",
        "30 writes, 123.5 kB",
    ):
        assert words in said


def test_what_a_backfill_came_to() -> None:
    found = [
        Backfilled("/p/a", "a", BackfillOutcome.MIRRORED, 10_000_000),
        Backfilled("/p/b", "b", BackfillOutcome.SKIPPED, 5_000_000),
        Backfilled("/p/c", "c", BackfillOutcome.BROKEN, reason="/p/c: is [bold]broken"),
    ]
    said = printed(print_backfill, found, 2.0)
    assert "broken: /p/c: is [bold]broken" in said
    # What was skipped is no work that was done.
    assert "3 projects: 1 mirrored, 1 skipped, 1 broken; 10.0 MB in 2.0 s, 5.0 MB/s" in said


def test_what_a_repair_did_or_would_do() -> None:
    before = Verification("/p/shop", "r", Standing.DRIFT, (Drift(DriftKind.CHANGED, "a", 1, 2),))
    after = Verification("/p/shop", "r", Standing.EQUAL)
    done = printed(print_repair, Repair(before, Side.JSON, "run r in Redis", "/s/replaced/r.json", after))
    assert "a is “2” in Redis" in done
    assert "kept what was there: /s/replaced/r.json" in done
    assert "run r in Redis was made equal to the file: equal now" in done
    assert "still not equal" in printed(print_repair, Repair(before, Side.JSON, "x", None, before))
    rehearsed = printed(print_repair, Repair(before, Side.REDIS, "/p/shop/blackboard.json", None, None))
    assert "would make /p/shop/blackboard.json equal to the document in Redis" in rehearsed
    assert "nothing to repair" in printed(print_repair, Repair(after, Side.JSON, "x", None, after))


def test_what_was_exported() -> None:
    assert "out.json: written (run r, 10 B)" in printed(print_export, Export("r", "out.json", 10, True, None))
    assert "the same already" in printed(print_export, Export("r", "out.json", 10, False, None))


def test_progress_in_plain_lines(tmp_path: Path) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=False, width=40)
    board = read_board(write(tmp_path / "shop"))
    project = project_at(tmp_path / "shop")
    with FollowProgress(console) as following:
        following.mirrored(project, board, Saved(3, 400), 0.0123)
        following.mirrored(project, board, Saved(0, 0), None)
        following.unreadable(project, "it is [bold]empty\x1b")
        following.away(project, "no answer")
    with BackfillProgress(console) as backfilling:
        # Too soon to be told of elsewhere than on a terminal.
        backfilling.began(2)
        backfilling.done(Backfilled("/p/d", "d", BackfillOutcome.MIRRORED, 10))
    lines = out.getvalue().splitlines()
    assert lines[0] == f"mirrored shop: {board.size / 1000:.1f} kB, 3 writes, 12 ms after it was written"
    assert lines[1].endswith("0 writes")
    assert lines[2:] == [
        "no whole state for long: it is [bold]empty\\x1b",
        "shop: not mirrored for now: no answer",
    ]
