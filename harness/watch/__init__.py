"""Watching a run: what it has come to, learnt from its events as they come."""

from harness.watch.build_view import BuildView, Spent
from harness.watch.call_view import CallView
from harness.watch.expectation import Expectation, expectation
from harness.watch.numbered_event import NumberedEvent
from harness.watch.run_choice import RunChoice, choose_run
from harness.watch.run_end import RunEnd
from harness.watch.task_view import TaskState, TaskView
from harness.watch.watching import RunWatcher, watch_run

__all__ = [
    "BuildView",
    "CallView",
    "Expectation",
    "NumberedEvent",
    "RunChoice",
    "RunEnd",
    "RunWatcher",
    "Spent",
    "TaskState",
    "TaskView",
    "choose_run",
    "expectation",
    "watch_run",
]
