"""The progress of a trial: plain lines without a terminal, one live line with one."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from agents.build import EventKind, TaskEvent
from harness.report.progress import TrialProgress
from harness.spec import Spec
from tests.compare.records import make_record

SPEC = Spec(name="shop", idea="A shop.")


def _shown(tmp_path: Path, *, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100)
    with TrialProgress(console) as progress:
        progress.run_started(SPEC, "control", "legacy")
        progress.happened(TaskEvent(EventKind.TASK_STARTED, "t", "analyst"))
        progress.happened(TaskEvent(EventKind.TASK_COMPLETED, "t", "analyst"))
        progress.happened(TaskEvent(EventKind.TASK_FAILED, "t", "auditor", "no [red]\x1b[31m answer"))
        progress.run_finished(make_record(tmp_path))
        out.write("<report>")
    return out.getvalue()


def test_without_a_terminal_every_task_is_a_plain_line(tmp_path: Path) -> None:
    lines = _shown(tmp_path, terminal=False).splitlines()
    assert lines[0] == "shop: legacy (control): started"
    assert lines[1].startswith("shop: legacy (control): ")
    assert lines[1].endswith(" s: analyst done")
    assert "\x1b" not in "".join(lines)


def test_what_an_engine_says_is_text_and_no_markup(tmp_path: Path) -> None:
    assert r"no [red]\x1b[31m answer" in _shown(tmp_path, terminal=False)


def test_on_a_terminal_the_live_line_is_gone_before_a_report_is_printed(tmp_path: Path) -> None:
    """The report goes to another stream: a line still live would run into it."""
    shown = _shown(tmp_path, terminal=True)
    assert "tasks done" in shown
    after_run, _, rest = shown.partition("finished in")
    assert "tasks done" not in rest
    assert after_run.rstrip().rpartition("\x1b[2K")[1], "the line was erased"
    assert rest.endswith("<report>")


@pytest.mark.parametrize("resumable", [True, False])
def test_a_run_that_can_be_resumed_says_how(resumable: bool, tmp_path: Path) -> None:
    out = io.StringIO()
    record = make_record(tmp_path)
    summary = record.summary.model_copy(update={"id": "run-1", "resumable": resumable})
    with TrialProgress(Console(file=out, width=100)) as progress:
        progress.run_finished(replace(record, summary=summary))
    assert ("harness resume run-1 goes on with it" in out.getvalue()) is resumable
