"""The timeline: a row for each module, a mark wherever it was generated."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.compare import compare
from harness.gateway.calls import CallRecord
from harness.report.timeline import timeline_rows
from harness.spec import Spec
from tests.compare.records import make_call, make_record


def drawn(tmp_path: Path, calls: list[CallRecord], width: int = 80) -> list[str] | None:
    record = make_record(tmp_path, calls=calls)
    table = timeline_rows(compare(Spec(name="a", idea="b"), record, record), width)
    if table is None:
        return None
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def spanning(module: str | None, granted_s: float | None, end_s: float) -> CallRecord:
    return make_call("developer", module, granted_s=granted_s, end_s=end_s)


def test_marks_stand_where_calls_were_generating(tmp_path: Path) -> None:
    calls = [spanning(None, 0.0, 15.0), spanning("Cart", 15.0, 30.0), spanning("Cart", 45.0, 60.0)]
    header, project, cart = drawn(tmp_path, calls) or []
    assert header.split() == ["timeline", "candidate,", "0", "to", "60.0", "s"]
    assert project == "  (project)  " + "█" * 15
    assert cart == "  Cart       " + " " * 15 + "█" * 15 + " " * 15 + "█" * 15


@pytest.mark.parametrize(
    ("granted_s", "end_s"), [(0.0, 0.0), (60.0, 60.0), (59.999, 60.0), (30.0, 30.001), (-9.0, -8.0)]
)
def test_the_shortest_call_has_a_mark_and_none_stands_outside(
    granted_s: float, end_s: float, tmp_path: Path
) -> None:
    """Also a call from before the run's begin, and one at its very end."""
    lines = drawn(tmp_path, [spanning("Long", 0.0, 60.0), spanning("Short", granted_s, end_s)]) or []
    assert lines[2].count("█") == 1
    assert max(map(len, lines)) == len(lines[1])


def test_calls_that_never_got_a_slot_are_not_drawn(tmp_path: Path) -> None:
    lines = drawn(tmp_path, [spanning("A", 0.0, 1.0), spanning("B", None, 9.0)]) or []
    assert len(lines) == 2
    assert "0 to 1.0 s" in lines[0]


@pytest.mark.parametrize("calls", [[], [spanning("A", None, 1.0)], [spanning("A", -2.0, -1.0)]])
def test_where_nothing_was_generated_nothing_is_drawn(calls: list[CallRecord], tmp_path: Path) -> None:
    assert drawn(tmp_path, calls) is None


def test_too_many_modules_are_not_drawn(tmp_path: Path) -> None:
    assert drawn(tmp_path, [spanning(f"M{i}", 0.0, 1.0) for i in range(24)]) is not None
    assert drawn(tmp_path, [spanning(f"M{i}", 0.0, 1.0) for i in range(25)]) is None


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_row_is_one_line_that_fits_whatever_the_names_are(width: int, tmp_path: Path) -> None:
    names = ["M" * 64, "漢字" * 20, "[bold]x[/]", "a\x1b[2Jb", "short"]
    lines = drawn(tmp_path, [spanning(name, 0.0, 5.0) for name in names], width) or []
    assert len(lines) == 1 + len(names)
    assert "[bold]x[/]" in lines[3]
    assert "\x1b" not in "".join(lines)
    assert all(line.count("█") >= 10 for line in lines[1:])
