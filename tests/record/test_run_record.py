"""The record of a run as others see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.conversation import Cause
from harness.record import OutcomeStatus, RunOutcome
from tests.compare.records import make_call, make_failure, make_record


def test_the_timeline_holds_the_calls_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    calls = [make_call("analyst", None, granted_s=1.0, end_s=3.0), make_call(granted_s=None, status=499)]
    first, second = make_record(tmp_path, calls=calls).timeline
    assert (first.role, first.module, first.granted_s, first.end_s) == ("analyst", None, 1.0, 3.0)
    assert (second.module, second.granted_s, second.status) == ("Cart", None, 499)


def test_a_file_is_read_from_the_folder_of_the_run(tmp_path: Path) -> None:
    record = make_record(tmp_path, files={"templates/a.html": b"\xff\x00"})
    assert record.file("templates/a.html") == b"\xff\x00"


@pytest.mark.parametrize(
    ("task", "cut_off"), [("engine", True), ("state", True), ("developer:Cart", False), ("integrator", False)]
)
def test_a_run_is_cut_off_where_more_than_a_task_failed(task: str, cut_off: bool) -> None:
    failures = (make_failure(Cause.ENGINE, "developer:Users"), make_failure(Cause.ENGINE, task))
    assert RunOutcome(status=OutcomeStatus.FAILED, failures=failures).cut_off is cut_off
