"""Where tasks are done: the orchestrator hands over one task after another, an executor does it.

There are two of them: `LocalExecutor` does a task in this process, `workers.DocketExecutor` has one of any
number of worker processes do it, which take a `LocalExecutor` for that in their turn. Graph, order,
checkpoints and events are the same with both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agents.blackboard import PlanMade, changed_files
from agents.build import EventKind, TaskEvent
from agents.conversation import AgentFailure, Cause
from agents.plan import Plan
from agents.project import Inputs, Order
from agents.workflow import PLANNING, Reads, Task, TaskReport, failed, reads
from async_arch.checkpoints import answer_size
from async_arch.performing import Perform
from async_arch.state_store import StateStore, StateUnavailable

__all__ = ["Assignment", "LocalExecutor", "TaskExecutor", "TaskResult"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task that can begin: `place` is its place in the build order, `plan` the plan as it is by now.

    `takeovers` is how many times workers were given it before.
    """

    task: Task
    place: int
    order: Order
    plan: Plan | None
    takeovers: int = 0


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a task ended, as far as the build goes on with it."""

    failure: AgentFailure | None = None
    plan: Plan | None = None
    """The plan that it made, where it made one."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The files that it left, by path."""
    answer_size: int = 0
    """Of the answer that it was done with, in characters."""


class TaskExecutor(Protocol):
    """Does tasks, each once in effect."""

    async def execute(self, assignment: Assignment) -> TaskResult:
        """Do a task, with its events and its report; what goes wrong in it is in the result.

        Raises `StateUnavailable` where the state cannot be read or written.
        """


class LocalExecutor:
    """Does tasks here; `now` gives ISO timestamps, `reads_of` what a task after planning reads."""

    def __init__(
        self,
        state: StateStore,
        perform: Perform,
        now: Callable[[], str],
        reads_of: Callable[[Task, Plan], Reads] = reads,
    ) -> None:
        self._state = state
        self._perform = perform
        self._now = now
        self._reads_of = reads_of

    async def execute(self, assignment: Assignment) -> TaskResult:
        """Do a task; see `TaskExecutor`. Its report may still be on its way to the state."""
        task = assignment.task
        begun = TaskEvent(EventKind.TASK_STARTED, self._now(), str(task), takeovers=assignment.takeovers)
        await self._state.announce(begun)
        report = await self._attempt(assignment)
        await self._state.report(report, assignment.place, report.event(self._now()))
        plans = [change.plan for change in report.changes if isinstance(change, PlanMade)]
        return TaskResult(
            report.failure,
            plans[-1] if plans else None,
            changed_files(report.changes),
            answer_size(report),
        )

    async def _attempt(self, assignment: Assignment) -> TaskReport:
        """Do the task; whatever breaks in it is its own failure, so that independent tasks go on."""
        task = assignment.task
        try:
            return await self._perform(task, await self._inputs(assignment))
        except StateUnavailable:
            raise
        except Exception as error:
            _log.exception("%s broke", task)
            reason = f"{type(error).__name__}: {error}"
            return failed(task, AgentFailure(task.role, task.module, Cause.ENGINE, reason))

    async def _inputs(self, assignment: Assignment) -> Inputs:
        order, plan = assignment.order, assignment.plan
        if assignment.place < len(PLANNING) or plan is None:
            return Inputs(order, plan)
        found = await self._state.read(self._reads_of(assignment.task, plan))
        return Inputs(order, plan, found.apis, found.files)
