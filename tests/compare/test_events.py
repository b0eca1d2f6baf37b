"""The events layer: the same events for each task, whatever the order of the tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.build import EventKind, TaskEvent
from harness.compare import Kind, Layer, Mismatch
from harness.compare.events import compare_events
from tests.compare.records import make_event, make_record

STARTED, COMPLETED, FAILED = EventKind.TASK_STARTED, EventKind.TASK_COMPLETED, EventKind.TASK_FAILED

EVENTS = [
    make_event(EventKind.BUILD_STARTED, ""),
    make_event(STARTED, "developer:Cart"),
    make_event(COMPLETED, "developer:Cart"),
    make_event(STARTED, "developer:Users"),
    make_event(FAILED, "developer:Users", "no answer"),
    make_event(EventKind.BUILD_FINISHED, "", "failed"),
]


def compared(tmp_path: Path, theirs: Sequence[TaskEvent]) -> list[Mismatch]:
    control = make_record(tmp_path / "control", events=EVENTS)
    return list(compare_events(control, make_record(tmp_path / "candidate", events=theirs)))


CASES: dict[str, tuple[Sequence[TaskEvent], Kind, str]] = {
    "missing": (
        [*EVENTS[:2], *EVENTS[3:]],
        Kind.MISSING,
        "the candidate did not announce TASK_COMPLETED developer:Cart",
    ),
    "extra": (
        [*EVENTS, make_event(FAILED, "developer:Cart", "oh")],
        Kind.EXTRA,
        "only the candidate announced TASK_FAILED developer:Cart",
    ),
    "repeated": (
        [*EVENTS[:2], *EVENTS[1:]],
        Kind.REPEATED,
        "TASK_STARTED developer:Cart was announced 2 times instead of 1",
    ),
    "of the build": (EVENTS[:-1], Kind.MISSING, "the candidate did not announce BUILD_FINISHED the build"),
    "turned round": (
        [EVENTS[0], EVENTS[2], EVENTS[1], *EVENTS[3:]],
        Kind.CHANGED,
        "the events of developer:Cart came as TASK_COMPLETED, TASK_STARTED instead of TASK_STARTED, "
        "TASK_COMPLETED",
    ),
    "another detail": (
        [*EVENTS[:4], make_event(FAILED, "developer:Users", "cut off"), EVENTS[5]],
        Kind.CHANGED,
        "TASK_FAILED developer:Users says “cut off” instead of “no answer”",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs_is_told_with_its_kind(case: str, tmp_path: Path) -> None:
    theirs, kind, sentence = CASES[case]
    (mismatch,) = compared(tmp_path, theirs)
    assert (mismatch.layer, mismatch.kind, mismatch.sentence) == (Layer.EVENTS, kind, sentence)


def test_neither_time_nor_the_order_of_tasks_makes_a_difference(tmp_path: Path) -> None:
    cart, users = EVENTS[1:3], EVENTS[3:5]
    mixed = [EVENTS[0], users[0], cart[0], cart[1], users[1], EVENTS[5]]
    later = [TaskEvent(e.kind, "2031-01-01T00:00:00+00:00", e.task, e.detail) for e in mixed]
    assert compared(tmp_path, later) == []
