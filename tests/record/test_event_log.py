"""The log of events: each is on file before anybody is told of it, and the file has no holes."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from agents.build import EventKind, TaskEvent
from harness.record.event_log import EventLog

STARTED = TaskEvent(EventKind.TASK_STARTED, "t1", "developer:Cart")
FAILED = TaskEvent(EventKind.TASK_FAILED, "t2", "developer:Cart", "«no»\n", 3, 1200, 340, retries=2)


def _events(path: Path) -> list[TaskEvent]:
    return [TypeAdapter(TaskEvent).validate_json(line) for line in path.read_bytes().splitlines()]


def test_an_event_is_on_file_when_others_are_told_of_it(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    on_file: list[list[TaskEvent]] = []
    told = EventLog(path).before(lambda event: on_file.append(_events(path)))
    told(STARTED)
    told(FAILED)
    assert on_file == [[STARTED], [STARTED, FAILED]]


def test_where_it_cannot_be_written_others_are_told_all_the_same(tmp_path: Path) -> None:
    """And what comes later is not written after the gap."""
    folder = tmp_path / "run"
    heard: list[TaskEvent] = []
    told = EventLog(folder / "events.jsonl").before(heard.append)
    told(STARTED)
    folder.mkdir()
    told(FAILED)
    assert heard == [STARTED, FAILED]
    assert list(folder.iterdir()) == []
