"""How a build ended."""

from __future__ import annotations

import pytest

from agents.blackboard import ProjectStatus
from agents.build import BuildOutcome, EventKind, TaskEvent, TaskFailure
from agents.conversation import Cause


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (TaskEvent(EventKind.BUILD_STARTED, "t"), "BUILD_STARTED"),
        (TaskEvent(EventKind.TASK_STARTED, "t", "developer:Cart"), "TASK_STARTED developer:Cart"),
        (TaskEvent(EventKind.TASK_FAILED, "t", "analyst", "gone"), "TASK_FAILED analyst (gone)"),
        (TaskEvent(EventKind.BUILD_FINISHED, "t", detail="complete"), "BUILD_FINISHED (complete)"),
    ],
)
def test_an_event_is_one_line_without_gaps(event: TaskEvent, line: str) -> None:
    assert str(event) == line


@pytest.mark.parametrize("cause", Cause)
def test_only_a_store_that_does_not_answer_loses_the_state(cause: Cause) -> None:
    outcome = BuildOutcome(ProjectStatus.FAILED, (TaskFailure("analyst", cause, "gone"),))
    assert outcome.lost_state is (cause is Cause.STATE)
