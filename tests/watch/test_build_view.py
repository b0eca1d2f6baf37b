"""The view of a build: what a sequence of events comes to."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from agents.build import EventKind, TaskEvent
from harness.watch import BuildView, CallView, Spent, TaskState
from tests.watch.runs import EVENTS, event

STARTED, DONE, FAILED = EventKind.TASK_STARTED, EventKind.TASK_COMPLETED, EventKind.TASK_FAILED
SKIPPED, RESUMED = EventKind.TASK_SKIPPED, EventKind.BUILD_RESUMED
BEGIN = event(0, EventKind.BUILD_STARTED)
TEN = datetime.fromisoformat("2024-05-01T10:00:00+00:00")


def _view(*events: TaskEvent) -> BuildView:
    view = BuildView()
    for one in events:
        view.add(one)
    return view


def _at(seconds: float) -> datetime:
    return TEN + timedelta(seconds=seconds)


CASES = {
    "nothing yet": ((), {}, []),
    "begun": ((BEGIN,), {}, []),
    "under way": ((BEGIN, event(1, STARTED, "analyst")), {"analyst": "under way"}, ["analyst"]),
    "done": (
        (BEGIN, event(1, STARTED, "analyst"), event(2, DONE, "analyst")),
        {"analyst": "done"},
        [],
    ),
    "beside each other, the longest first": (
        (BEGIN, event(3, STARTED, "developer:B"), event(2, STARTED, "developer:A")),
        {"developer:B": "under way", "developer:A": "under way"},
        ["developer:A", "developer:B"],
    ),
    "failed, and what needs it skipped": (
        (
            BEGIN,
            event(1, STARTED, "developer:A"),
            event(2, FAILED, "developer:A"),
            event(2, SKIPPED, "integrator"),
        ),
        {"developer:A": "failed", "integrator": "skipped"},
        [],
    ),
    "cut off and taken up again: what was under way waits": (
        (
            BEGIN,
            event(1, STARTED, "a:M"),
            event(1, STARTED, "b:M"),
            event(2, DONE, "a:M"),
            event(90, RESUMED),
        ),
        {"a:M": "done", "b:M": "waiting"},
        [],
    ),
    "and is then begun again": (
        (BEGIN, event(1, STARTED, "b:M"), event(90, RESUMED), event(91, STARTED, "b:M")),
        {"b:M": "under way"},
        ["b:M"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_tasks_are_as_the_events_say(case: str) -> None:
    events, states, under_way = CASES[case]
    view = _view(*events)
    assert {task.name: task.state.value for task in view.tasks} == states
    assert [task.name for task in view.under_way] == under_way


def test_what_tasks_cost_is_summed() -> None:
    assert _view(*EVENTS).spent == Spent(calls=4, retries=1, prompt_tokens=450, output_tokens=45)


def test_the_most_that_ran_beside_each_other_is_kept() -> None:
    view = _view(event(0, STARTED, "a"), event(0, STARTED, "b"), event(1, DONE, "a"))
    view.add(event(1, STARTED, "c"))
    view.add(event(2, DONE, "b"))
    assert view.most_at_once == 2


def test_a_task_takes_time_until_it_ends() -> None:
    view = _view(event(1, STARTED, "a"), event(2, STARTED, "b"), event(4, DONE, "a"), event(5, SKIPPED, "c"))
    took = {task.name: task.took_s(_at(10)) for task in view.tasks}
    assert took == {"a": 3.0, "b": 8.0, "c": None}


def test_a_clock_that_is_behind_makes_no_negative_time() -> None:
    (task,) = _view(event(5, STARTED, "a")).tasks
    assert task.took_s(_at(4)) == 0.0


def test_the_time_between_two_sittings_is_not_worked() -> None:
    view = _view(
        BEGIN, event(1, STARTED, "a"), event(7, DONE, "a"), event(900, RESUMED), event(902, STARTED, "b")
    )
    assert view.sitting == 2
    assert view.worked_s(_at(905)) == 7 + 5
    # Whoever worked on it is gone: it has been worked on until the last that is known.
    assert view.worked_s() == 7 + 2
    view.add(event(910, EventKind.BUILD_FINISHED))
    assert view.worked_s(_at(2000)) == 7 + 10


def test_before_it_begins_no_time_is_known() -> None:
    assert BuildView().worked_s(_at(3)) is None


def test_a_plan_brings_all_tasks_in_build_order_and_changes_none() -> None:
    view = _view(BEGIN, event(1, STARTED, "b"), event(2, DONE, "b"), event(2, STARTED, "x"))
    assert not view.total_is_known
    view.plan(["a", "b", "c"])
    assert [(task.name, task.state.value) for task in view.tasks] == [
        ("a", "waiting"),
        ("b", "done"),
        ("c", "waiting"),
        # It is not in the plan, and it happened.
        ("x", "under way"),
    ]
    assert view.total_is_known


def test_a_timestamp_that_is_none_leaves_times_unknown() -> None:
    view = _view(TaskEvent(STARTED, "soon", "a"))
    assert view.tasks[0].state is TaskState.UNDER_WAY
    assert view.tasks[0].took_s(TEN) is None
    assert view.worked_s(TEN) is None


def test_of_an_engine_that_says_nothing_the_calls_are_known() -> None:
    view = BuildView()
    for number, module in enumerate(("A", "B", "A"), start=1):
        view.called(
            CallView(
                number=number,
                role="developer",
                module=module,
                status=200,
                error=None,
                end_s=1.0,
                prompt_tokens=10,
                output_tokens=None,
            )
        )
    assert [(task.name, task.state, task.calls) for task in view.tasks] == [
        ("developer:A", TaskState.ASKED, 2),
        ("developer:B", TaskState.ASKED, 1),
    ]
    assert not view.is_told
    assert view.spent.prompt_tokens == 30
