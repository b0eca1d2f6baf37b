"""A build as it is seen from outside: what its events tell, put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from agents.build import EventKind, TaskEvent
from harness.watch.call_view import CallView
from harness.watch.task_view import TaskState, TaskView, moment, seconds_between

__all__ = ["BuildView", "Spent"]

_ENDS = {
    EventKind.TASK_COMPLETED: TaskState.DONE,
    EventKind.TASK_FAILED: TaskState.FAILED,
    EventKind.TASK_SKIPPED: TaskState.SKIPPED,
}


@dataclass(frozen=True, slots=True)
class Spent:
    """What the tasks that ended have cost, by the model's own count of tokens."""

    calls: int
    retries: int
    prompt_tokens: int
    output_tokens: int


class BuildView:
    """What is known of a build; it grows with each event that is added, in their order."""

    def __init__(self) -> None:
        self.sitting = 1
        """How often work on it was begun."""
        self.most_at_once = 0
        """How many tasks were under way at one time."""
        self.total_is_known = False
        """Whether the plan is known, and with it every task."""
        self.is_told = False
        """Whether the engine announces what it does; of another, only its calls to the model are known."""
        self._tasks: dict[str, TaskView] = {}
        self._began: datetime | None = None
        self._last: datetime | None = None
        self._ended = False
        self._earlier_s = 0.0
        """How long the earlier sittings worked, as far as they told."""

    def add(self, event: TaskEvent) -> None:
        """Learn from `event`."""
        at = moment(event.at)
        self.is_told = True
        if event.kind is EventKind.BUILD_RESUMED:
            self._take_up(at)
        elif event.kind is EventKind.TASK_STARTED:
            self._tasks[event.task] = TaskView(event.task, TaskState.UNDER_WAY, at)
            self.most_at_once = max(self.most_at_once, len(self.under_way))
        elif (state := _ENDS.get(event.kind)) is not None:
            self._end(event, state, at)
        self._began = self._began or at
        self._last = at or self._last
        self._ended = event.kind is EventKind.BUILD_FINISHED

    def plan(self, tasks: Iterable[str]) -> None:
        """Learn which tasks there are in all, in build order."""
        known = {name: self._tasks.get(name, TaskView(name)) for name in tasks}
        self._tasks = known | self._tasks
        self.total_is_known = True

    def called(self, call: CallView) -> None:
        """Learn from a call to the model, where the engine announces nothing."""
        before = self._tasks.get(call.task, TaskView(call.task, TaskState.ASKED))
        self._tasks[call.task] = replace(
            before,
            calls=before.calls + 1,
            prompt_tokens=before.prompt_tokens + (call.prompt_tokens or 0),
            output_tokens=before.output_tokens + (call.output_tokens or 0),
        )

    @property
    def tasks(self) -> tuple[TaskView, ...]:
        """All tasks that are known: in build order once the plan is, else as they began."""
        return tuple(self._tasks.values())

    @property
    def modules(self) -> dict[str, list[TaskView]]:
        """The tasks that are for one module, by module."""
        found: dict[str, list[TaskView]] = {}
        for task in self._tasks.values():
            if task.module is not None:
                found.setdefault(task.module, []).append(task)
        return found

    @property
    def under_way(self) -> tuple[TaskView, ...]:
        """The tasks that run beside each other now, the longest first."""
        running = self.of_state(TaskState.UNDER_WAY)
        return tuple(sorted(running, key=lambda task: task.began.timestamp() if task.began else 0.0))

    def of_state(self, state: TaskState) -> tuple[TaskView, ...]:
        """The tasks that are this far."""
        return tuple(task for task in self._tasks.values() if task.state is state)

    @property
    def spent(self) -> Spent:
        """What it has cost so far."""
        tasks = self._tasks.values()
        return Spent(
            calls=sum(task.calls for task in tasks),
            retries=sum(task.retries for task in tasks),
            prompt_tokens=sum(task.prompt_tokens for task in tasks),
            output_tokens=sum(task.output_tokens for task in tasks),
        )

    def worked_s(self, now: datetime | None = None) -> float | None:
        """For how long it has been worked on until `now`, or until its last event; None before it began.

        The time between two sittings, when nobody worked on it, does not count.
        """
        until = self._last if now is None or self._ended else now
        this_s = seconds_between(self._began, until)
        return None if this_s is None else self._earlier_s + this_s

    def _take_up(self, at: datetime | None) -> None:
        """What was under way when the last sitting was cut off is to be done again."""
        self.sitting += 1
        self._earlier_s = self.worked_s() or 0.0
        self._began = at
        for task in self.under_way:
            self._tasks[task.name] = TaskView(task.name)

    def _end(self, event: TaskEvent, state: TaskState, at: datetime | None) -> None:
        before = self._tasks.get(event.task, TaskView(event.task))
        self._tasks[event.task] = replace(
            before,
            state=state,
            ended=at,
            detail=event.detail,
            calls=event.calls,
            retries=event.retries,
            prompt_tokens=event.prompt_tokens,
            output_tokens=event.output_tokens,
        )
