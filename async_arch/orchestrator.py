"""The async engine, `python -m async_arch.orchestrator --idea "..."`.

Exit codes: 0 built, 2 bad usage, 3 the build failed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agents.blackboard import PlanMade, ProjectInfo, ProjectStatus, changed_files
from agents.build import BuildOutcome, EventKind, TaskEvent, TaskFailure
from agents.conversation import AgentFailure, Cause
from agents.drivers import drive_async
from agents.plan import Plan
from agents.project import Inputs, Order
from agents.workflow import (
    PLANNING,
    Reads,
    Task,
    TaskReport,
    blocked,
    build_tasks,
    failed,
    perform,
    reads,
    skipped,
)
from async_arch.checkpoints import Checkpoint, checkpoint_of
from async_arch.composition import Orchestration
from async_arch.estimates import PathEstimates
from async_arch.model_calls import ModelCalls
from async_arch.scheduler import run_concurrently, run_in_order
from async_arch.state_store import StateStore, StateUnavailable
from async_arch.workspace import Workspace

__all__ = ["AsyncOrchestrator"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Progress:
    """What one build has come to so far."""

    order: Order
    plan: Plan | None
    failures: dict[Task, AgentFailure]
    ended: Mapping[str, Checkpoint] = field(default_factory=dict)
    """The tasks that ended before this process took the build up."""


class AsyncOrchestrator:
    """Builds projects, task by task as the graph of what each needs allows.

    `concurrency` is how many tasks call the model at once under concurrent orchestration: best the number
    of the model's slots. `now` gives ISO timestamps.
    """

    def __init__(
        self,
        *,
        state: StateStore,
        calls: ModelCalls,
        workspace: Workspace,
        orchestration: Orchestration,
        concurrency: int,
        now: Callable[[], str],
    ) -> None:
        self._state = state
        self._calls = calls
        self._workspace = workspace
        self._orchestration = orchestration
        self._concurrency = concurrency
        self._now = now

    async def build(self, order: Order, *, resume: bool = False) -> BuildOutcome:
        """Build what `order` asks for. What goes wrong is in the outcome, not raised.

        With `resume`, a build that was begun goes on where its state says that it is; tasks that ended are
        not done again.
        """
        try:
            return await self._build(order, resume)
        except* StateUnavailable as errors:
            reason = str(_first(errors))
        return BuildOutcome(ProjectStatus.FAILED, (TaskFailure("state", Cause.STATE, reason),))

    async def _build(self, order: Order, resume: bool) -> BuildOutcome:
        before = await self._state.checkpoints() if resume else None
        if before is None:
            info = ProjectInfo(order.idea, self._now(), ProjectStatus.BUILDING)
            await self._state.create(info, self._event(EventKind.BUILD_STARTED))
            progress = _Progress(order, None, {})
        else:
            # What was written down before its files were made has them now.
            everything = await self._state.read(Reads(all_files=True))
            await self._workspace.restore(everything.files)
            progress = _Progress(order, before.plan, {}, before.tasks)
            if before.status is ProjectStatus.BUILDING:
                await self._state.announce(self._event(EventKind.BUILD_RESUMED))
        for place, task in enumerate(PLANNING):
            if not progress.failures:
                await self._run(task, place, progress)
        left_out: tuple[str, ...] = ()
        if progress.plan is not None and not progress.failures:
            left_out = await self._build_modules(build_tasks(progress.plan), progress)
        status = ProjectStatus.FAILED if progress.failures else ProjectStatus.COMPLETE
        if before is None or before.status is ProjectStatus.BUILDING:
            await self._state.finish(status, self._event(EventKind.BUILD_FINISHED, detail=status.value))
        failures = tuple(
            TaskFailure(str(task), failure.cause, failure.reason)
            for task, failure in progress.failures.items()
        )
        return BuildOutcome(status, failures, left_out)

    async def _build_modules(
        self, tasks: dict[Task, tuple[Task, ...]], progress: _Progress
    ) -> tuple[str, ...]:
        places = {task: place for place, task in enumerate(tasks, start=len(PLANNING))}
        estimates = PathEstimates(tasks)

        async def work(task: Task) -> bool:
            ended = await self._run(task, places[task], progress)
            estimates.learn(task, ended.answer_size)
            return not ended.cause

        if self._orchestration is Orchestration.CONCURRENT:
            await run_concurrently(tasks, work, at_once=self._concurrency, path=estimates.path)
        else:
            await run_in_order(tasks, work)
        progress.failures = {task: progress.failures[task] for task in tasks if task in progress.failures}
        left_out = blocked(tasks, progress.failures)
        for task, waits_for in left_out.items():
            event = self._event(EventKind.TASK_SKIPPED, task, f"needs {', '.join(map(str, waits_for))}")
            await self._state.report(skipped(task, waits_for), places[task], event)
        return tuple(map(str, left_out))

    async def _run(self, task: Task, place: int, progress: _Progress) -> Checkpoint:
        if (ended := progress.ended.get(str(task))) is not None:
            if (cause := ended.failure_cause) is not None:
                progress.failures[task] = AgentFailure(task.role, task.module, cause, ended.reason)
            return ended
        await self._state.announce(self._event(EventKind.TASK_STARTED, task))
        report = await self._attempt(task, progress)
        if report.failure is not None:
            progress.failures[task] = report.failure
        for change in report.changes:
            if isinstance(change, PlanMade):
                progress.plan = change.plan
        # The state first: a file that no state knows of would outlive a build that is taken up again.
        await self._state.report(report, place, report.event(self._now()))
        await self._workspace.write(changed_files(report.changes))
        return checkpoint_of(report)

    async def _attempt(self, task: Task, progress: _Progress) -> TaskReport:
        """Do `task`; whatever breaks in it is its own failure, so that independent tasks go on."""
        try:
            inputs = await self._inputs(task, progress)
            return await drive_async(perform(task, inputs), self._calls)
        except StateUnavailable:
            raise
        except Exception as error:
            _log.exception("%s broke", task)
            reason = f"{type(error).__name__}: {error}"
            return failed(task, AgentFailure(task.role, task.module, Cause.ENGINE, reason))

    async def _inputs(self, task: Task, progress: _Progress) -> Inputs:
        if task in PLANNING or progress.plan is None:
            return Inputs(progress.order, progress.plan)
        found = await self._state.read(reads(task, progress.plan))
        return Inputs(progress.order, progress.plan, found.apis, found.files)

    def _event(self, kind: EventKind, task: Task | None = None, detail: str = "") -> TaskEvent:
        return TaskEvent(kind, self._now(), str(task) if task else "", detail)


def _first(errors: BaseExceptionGroup[StateUnavailable]) -> StateUnavailable:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


if __name__ == "__main__":
    import sys

    from async_arch.command_line import main

    sys.exit(main())
