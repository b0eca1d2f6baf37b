"""Tasks as spans: every call is in one of them, and lies within it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.build import EventKind, TaskEvent
from harness.record import RunRecord
from harness.report.task_spans import TaskEnd, TaskSpan, began, task_spans
from tests.compare.records import make_call, make_record
from tests.compare.rehearsal import rehearse_candidate, rehearse_control


def event(kind: EventKind, second: float, task: str = "") -> TaskEvent:
    return TaskEvent(kind, f"2024-05-01T11:00:{second:06.3f}+00:00", task)


STARTED, ENDED = EventKind.TASK_STARTED, EventKind.TASK_COMPLETED


def told(*events: TaskEvent) -> tuple[TaskEvent, ...]:
    return (event(EventKind.BUILD_STARTED, 0), *events)


def within(span: TaskSpan) -> bool:
    return all(span.start_s <= call.arrival_s <= call.end_s <= span.end_s for call in span.calls)


@pytest.fixture(scope="module", params=["control", "candidate"])
def record(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    folder = tmp_path_factory.mktemp("rehearsal") / request.param
    if request.param == "control":
        return rehearse_control(folder)
    return rehearse_candidate(folder, slots=2)


def test_every_call_of_a_build_is_in_one_task_and_within_it(record: RunRecord) -> None:
    spans = task_spans(record)
    assert sorted(call.number for span in spans for call in span.calls) == [c.number for c in record.calls]
    assert {span.task for span in spans} == {event.task for event in record.events if event.task}
    assert {span.end for span in spans} == {TaskEnd.COMPLETED}
    for span in spans:
        assert within(span)
        assert span.start_s >= 0
        assert span.end_s <= record.summary.wall_s + 0.001
        # A developer is called by the review that sends it back to work.
        assert {call.role for call in span.calls} <= {span.role, "developer"}
        assert {call.module for call in span.calls} == {span.module}
    (review,) = (span for span in spans if span.task == "reviewer:Orders")
    assert [call.role for call in review.calls] == ["reviewer", "developer", "reviewer"]


def test_a_task_lasts_as_long_as_its_events_say_and_never_less_than_its_calls(tmp_path: Path) -> None:
    calls = [make_call(arrival_s=1.0, end_s=2.0), make_call("reviewer", number=2, arrival_s=4.9, end_s=6.002)]
    events = told(
        event(STARTED, 0.5, "developer:Cart"),
        event(ENDED, 3, "developer:Cart"),
        event(STARTED, 5, "reviewer:Cart"),
        event(ENDED, 6, "reviewer:Cart"),
    )
    spans = task_spans(make_record(tmp_path, calls=calls, events=events))
    assert next((span.task, span.start_s, span.end_s) for span in spans) == ("developer:Cart", 0.5, 3.0)
    assert all(map(within, spans))


def test_events_of_a_clock_that_is_behind_are_moved_to_the_calls(tmp_path: Path) -> None:
    calls = [
        make_call("analyst", None, number=1, arrival_s=0.098, end_s=0.120),
        make_call("auditor", None, number=2, arrival_s=0.132, end_s=0.140),
    ]
    events = told(
        event(STARTED, 0.001, "analyst"),
        event(ENDED, 0.044, "analyst"),
        event(STARTED, 0.046, "auditor"),
        event(ENDED, 0.070, "auditor"),
    )
    analyst, auditor = task_spans(make_record(tmp_path, calls=calls, events=events))
    assert [[call.role for call in span.calls] for span in (analyst, auditor)] == [["analyst"], ["auditor"]]
    assert (round(analyst.start_s, 3), round(auditor.end_s, 3)) == (0.077, 0.146)


def test_a_task_without_an_end_lasts_until_the_run_ended_and_one_that_failed_says_so(tmp_path: Path) -> None:
    events = told(
        event(STARTED, 1, "analyst"),
        event(EventKind.TASK_FAILED, 2, "analyst"),
        event(STARTED, 3, "auditor"),
        event(EventKind.TASK_SKIPPED, 3, "debugger"),
    )
    spans = task_spans(make_record(tmp_path, calls=[], events=events, wall_s=10))
    assert [(span.task, span.end_s, span.end) for span in spans] == [
        ("analyst", 2.0, TaskEnd.FAILED),
        ("auditor", 10.0, TaskEnd.CUT_OFF),
    ]


@pytest.mark.parametrize("sittings", [1, 2])
def test_where_events_tell_nothing_calls_do(sittings: int, tmp_path: Path) -> None:
    """An engine that announces nothing; a run that was resumed, whose clock stood still in between."""
    events = () if sittings == 1 else told(event(STARTED, 50, "analyst"), event(ENDED, 55, "analyst"))
    calls = [
        make_call("analyst", None, arrival_s=-1.0, end_s=1.0),
        make_call(number=2, arrival_s=1.0, end_s=2.0),
        make_call("reviewer", number=3, arrival_s=2.0, end_s=3.0),
        make_call(number=4, arrival_s=3.0, end_s=4.0),
        make_call("cook", None, number=5, arrival_s=4.0, end_s=5.0),
    ]
    spans = task_spans(make_record(tmp_path, calls=calls, events=events, sittings=sittings))
    assert [(span.task, span.start_s, span.end_s, len(span.calls)) for span in spans] == [
        ("analyst", -1.0, 1.0, 1),
        ("developer:Cart", 1.0, 4.0, 2),
        ("reviewer:Cart", 2.0, 3.0, 1),
        ("cook", 4.0, 5.0, 1),
    ]
    assert {span.end for span in spans} == {TaskEnd.UNKNOWN}


def test_the_clock_starts_with_the_first_word_or_when_the_engine_was_ready(tmp_path: Path) -> None:
    spoke = make_record(tmp_path, events=told())
    silent = make_record(tmp_path, events=())
    assert began(spoke).isoformat() == "2024-05-01T11:00:00+00:00"
    assert began(silent).isoformat() == "2024-05-01T10:00:00.500000+00:00"
