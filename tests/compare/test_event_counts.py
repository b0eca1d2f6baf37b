"""What events tell of calls and tokens, and the order they come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agents.build import EventKind, TaskEvent
from harness.compare.events import compare_events
from tests.compare.records import make_call, make_record

CALLS = [make_call("architect", "Users"), make_call("architect", "Cart")]


def event(kind: EventKind, task: str = "", **counts: int) -> TaskEvent:
    return TaskEvent(kind, "2024-05-01T10:00:00+00:00", task, **counts)


def ended(task: str) -> TaskEvent:
    return event(EventKind.TASK_COMPLETED, task, calls=1, prompt_tokens=10, output_tokens=20)


EVENTS = [
    event(EventKind.BUILD_STARTED),
    event(EventKind.TASK_STARTED, "architect:Users"),
    ended("architect:Users"),
    event(EventKind.TASK_STARTED, "architect:Cart"),
    ended("architect:Cart"),
    event(EventKind.BUILD_FINISHED),
]


def found(tmp_path: Path, theirs: Sequence[TaskEvent], calls: Sequence[object] = CALLS) -> list[str]:
    control = make_record(tmp_path / "control", calls=CALLS, events=EVENTS)
    candidate = make_record(tmp_path / "candidate", calls=calls, events=theirs)  # type: ignore[arg-type]
    return [mismatch.sentence for mismatch in compare_events(control, candidate)]


def test_equal_counts_are_equal(tmp_path: Path) -> None:
    assert found(tmp_path, EVENTS) == []


def test_counts_are_held_against_what_the_gateway_saw(tmp_path: Path) -> None:
    without = [replace(told, calls=0, output_tokens=0) for told in EVENTS]
    assert found(tmp_path, without) == [
        "the events of architect:Users tell of 0 calls, and the gateway saw 1, and so do 1 more",
        "the events of architect:Users tell of 0 output tokens, and the gateway saw 20, and so do 1 more",
    ]


def test_retries_are_as_many_where_as_many_calls_failed(tmp_path: Path) -> None:
    # Red where retries are left out of what events are compared by.
    again = [replace(told, retries=told.calls) for told in EVENTS]
    (sentence,) = found(tmp_path, again)
    assert sentence == "the events of architect:Users tell of 1 retries instead of 0"
    failed = [call.model_copy(update={"error": "busy", "status": 503}) for call in CALLS]
    assert all("retries" not in sentence for sentence in found(tmp_path, again, failed))


def test_where_other_calls_were_made_the_conversation_tells_of_it(tmp_path: Path) -> None:
    doubled = [replace(told, calls=2 * told.calls) for told in EVENTS]
    more = [*CALLS, *(call.model_copy(update={"number": 9}) for call in CALLS)]
    assert all("calls" not in sentence for sentence in found(tmp_path, doubled, more))


def test_a_task_begins_after_what_it_needs_has_ended(tmp_path: Path) -> None:
    """Between tasks that do not need each other order means nothing; Cart needs Users."""
    early = [EVENTS[0], EVENTS[3], *EVENTS[1:3], *EVENTS[4:]]
    assert found(tmp_path, early) == [
        "TASK_STARTED architect:Cart was announced before the end of architect:Users"
    ]


def test_the_build_begins_first_and_ends_last(tmp_path: Path) -> None:
    late = [EVENTS[1], EVENTS[0], *EVENTS[2:]]
    assert found(tmp_path, late) == [
        "TASK_STARTED architect:Users was announced in the place of BUILD_STARTED"
    ]
