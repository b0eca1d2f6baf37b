"""A resumed run as it is printed: how it ended is the last line, and nothing of it is markup."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.conversation import Cause
from harness.report.resumed import print_resumed
from harness.resume import ResumedRun
from tests.compare.records import make_failure, make_record


def printed(tmp_path: Path, *, resumed: bool = True, notes: tuple[str, ...] = (), **parts: Any) -> list[str]:
    record = make_record(tmp_path, **parts)
    out = io.StringIO()
    run = ResumedRun(record.summary, record.folder, resumed, notes)
    print_resumed(Console(file=out, width=40, highlight=False), run)
    return out.getvalue().splitlines()


def test_where_it_lies_and_how_it_ended(tmp_path: Path) -> None:
    lines = printed(tmp_path, sittings=2, notes=("the [bold]model[/] is another\x1b[2J",))
    assert lines == [
        f"run: {tmp_path}",
        "note: the [bold]model[/] is another\\x1b[2J",
        "shop: finished; 3 files; resumed, 2 sittings",
    ]


def test_a_run_that_had_ended_is_not_called_resumed(tmp_path: Path) -> None:
    lines = printed(tmp_path, resumed=False, files={"a.py": "1"})
    assert lines[-1] == "shop: had ended before, and is left as it is: finished; 1 file"


def test_why_it_failed_is_in_the_last_line(tmp_path: Path) -> None:
    failures = [make_failure(Cause.MODEL, "analyst", "500: [red]out of memory")]
    lines = printed(tmp_path, failures=failures, sittings=3)
    assert lines[-1] == ("shop: failed at analyst: 500: [red]out of memory; 3 files; resumed, 3 sittings")
