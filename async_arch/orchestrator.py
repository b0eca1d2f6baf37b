"""The async engine, `python -m async_arch.orchestrator --idea "..."`.

Exit codes: 0 built, 2 bad usage, 3 the build failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from agents.blackboard import ProjectInfo, ProjectStatus
from agents.build import BuildOutcome, EventKind, TaskEvent, TaskFailure
from agents.conversation import AgentFailure, Cause
from agents.plan import Plan
from agents.project import Order
from agents.workflow import PLANNING, Reads, Task, blocked, build_tasks, reads, skipped
from async_arch.checkpoints import Checkpoint
from async_arch.composition import Orchestration
from async_arch.estimates import PathEstimates, TaskWeights
from async_arch.executor import Assignment, LocalExecutor, TaskExecutor
from async_arch.performing import Perform
from async_arch.scheduler import Scheduler, run_concurrently, run_in_order
from async_arch.state_store import StateStore, StateUnavailable
from async_arch.workspace import Workspace

__all__ = ["AsyncOrchestrator"]


@dataclass(frozen=True, slots=True)
class Workflow:
    """What follows from a plan: the tasks, each with those that it needs, and what a task reads."""

    tasks: Callable[[Plan], dict[Task, tuple[Task, ...]]] = build_tasks
    reads: Callable[[Task, Plan], Reads] = reads


class _Files:
    """The files that tasks leave, on their way to the workspace as soon as the state knows of them.

    A file that no state knows of would outlive a build that is taken up again.
    """

    def __init__(self, state: StateStore, workspace: Workspace, group: asyncio.TaskGroup) -> None:
        self._state = state
        self._workspace = workspace
        self._group = group
        self._waiting: dict[str, str] = {}
        self._writing: asyncio.Task[None] | None = None

    def write(self, files: Mapping[str, str]) -> None:
        """Write `files` after all that came before; what goes wrong cancels the group."""
        self._waiting.update(files)
        if self._writing is None or self._writing.done():
            self._writing = self._group.create_task(self._write())

    async def written(self) -> None:
        """Return when all that has come up to now is there."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            files, self._waiting = self._waiting, {}
            await self._state.settled()
            await self._workspace.write(files)


@dataclass(slots=True)
class _Progress:
    """What one build has come to so far."""

    order: Order
    plan: Plan | None
    failures: dict[Task, AgentFailure]
    files: _Files
    ended: Mapping[str, Checkpoint] = field(default_factory=dict)
    """The tasks that ended before this process took the build up."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """What follows from a plan: the tasks, their places in the build order, and what lies behind each."""

    plan: Plan
    tasks: dict[Task, tuple[Task, ...]]
    places: Mapping[Task, int]
    estimates: PathEstimates


class _Ended(NamedTuple):
    """How a task ended; `answer_size` in characters."""

    done: bool
    answer_size: int


class AsyncOrchestrator:
    """Builds projects, task by task as the graph of what each needs allows.

    `concurrency` is how many tasks call the model at once under concurrent orchestration: best the number
    of the model's slots; where builds share a `scheduler`, it has the places. `now` gives ISO timestamps,
    `workflow` what follows from a plan. Tasks are done by `executor`, or else here, by `perform`.
    """

    def __init__(
        self,
        *,
        state: StateStore,
        workspace: Workspace,
        orchestration: Orchestration,
        concurrency: int,
        now: Callable[[], str],
        perform: Perform | None = None,
        executor: TaskExecutor | None = None,
        weights: TaskWeights | None = None,
        workflow: Workflow | None = None,
        scheduler: Scheduler | None = None,
    ) -> None:
        self._state = state
        self._workspace = workspace
        self._orchestration = orchestration
        self._concurrency = concurrency
        self._now = now
        self._weights = weights
        self._workflow = workflow or Workflow()
        self._executor = executor or _here(state, perform, now, self._workflow)
        self._scheduler = scheduler

    async def build(self, order: Order, *, resume: bool = False) -> BuildOutcome:
        """Build what `order` asks for. What goes wrong is in the outcome, not raised.

        With `resume`, a build that was begun goes on where its state says that it is; tasks that ended are
        not done again.
        """
        try:
            async with asyncio.TaskGroup() as group:
                return await self._build(order, resume, _Files(self._state, self._workspace, group))
        except ExceptionGroup as errors:
            lost, broken = errors.split(StateUnavailable)
            if broken is not None or lost is None:
                # What broke has more to say than how many did.
                raise _first(broken or errors) from errors
            reason = str(_first(lost))
        return BuildOutcome(ProjectStatus.FAILED, (TaskFailure("state", Cause.STATE, reason),))

    async def _build(self, order: Order, resume: bool, files: _Files) -> BuildOutcome:
        before = await self._state.checkpoints() if resume else None
        if before is None:
            info = ProjectInfo(order.idea, self._now(), ProjectStatus.BUILDING)
            await self._state.create(info, self._event(EventKind.BUILD_STARTED))
            progress = _Progress(order, None, {}, files)
        else:
            # What was written down before its files were made has them now.
            everything = await self._state.read(Reads(all_files=True))
            await self._workspace.restore(everything.files)
            progress = _Progress(order, before.plan, {}, files, before.tasks)
            if before.status is ProjectStatus.BUILDING:
                await self._state.announce(self._event(EventKind.BUILD_RESUMED))
        graph: _Graph | None = None
        for place, task in enumerate(PLANNING):
            if not progress.failures:
                graph = await self._plan(task, place, progress)
        left_out: tuple[str, ...] = ()
        if progress.plan is not None and not progress.failures:
            if graph is None or graph.plan is not progress.plan:
                graph = self._graph(progress.plan)
            left_out = await self._build_modules(graph, progress)
        status = ProjectStatus.FAILED if progress.failures else ProjectStatus.COMPLETE
        await files.written()
        if before is None or before.status is ProjectStatus.BUILDING:
            await self._state.finish(status, self._event(EventKind.BUILD_FINISHED, detail=status.value))
        failures = tuple(
            TaskFailure(str(task), failure.cause, failure.reason)
            for task, failure in progress.failures.items()
        )
        return BuildOutcome(status, failures, left_out)

    async def _plan(self, task: Task, place: int, progress: _Progress) -> _Graph | None:
        """Do a task of planning. What follows from the plan as it is by then is made meanwhile."""

        async def work(task: Task) -> bool:
            return (await self._run(task, place, progress)).done

        async with asyncio.TaskGroup() as group:
            if self._scheduler is not None:
                # Nothing of this build can begin before: it is all that is behind it.
                group.create_task(self._scheduler.run({task: ()}, work, path=lambda _: inf))
            else:
                group.create_task(work(task))
            if (plan := progress.plan) is None:
                return None
            # The model is asked first.
            await asyncio.sleep(0)
            return self._graph(plan)

    def _graph(self, plan: Plan) -> _Graph:
        tasks = self._workflow.tasks(plan)
        places = {task: place for place, task in enumerate(tasks, start=len(PLANNING))}
        return _Graph(plan, tasks, places, PathEstimates(tasks, self._weights))

    async def _build_modules(self, graph: _Graph, progress: _Progress) -> tuple[str, ...]:
        tasks, places, estimates = graph.tasks, graph.places, graph.estimates

        async def work(task: Task) -> bool:
            ended = await self._run(task, places[task], progress)
            estimates.learn(task, ended.answer_size)
            return ended.done

        if self._orchestration is Orchestration.CONCURRENT and self._scheduler is not None:
            await self._scheduler.run(tasks, work, path=estimates.path)
        elif self._orchestration is Orchestration.CONCURRENT:
            await run_concurrently(tasks, work, at_once=self._concurrency, path=estimates.path)
        else:
            await run_in_order(tasks, work)
        if not progress.failures:
            return ()
        progress.failures = {task: progress.failures[task] for task in tasks if task in progress.failures}
        left_out = blocked(tasks, progress.failures)
        for task, waits_for in left_out.items():
            event = self._event(EventKind.TASK_SKIPPED, task, f"needs {', '.join(map(str, waits_for))}")
            await self._state.report(skipped(task, waits_for), places[task], event)
        return tuple(map(str, left_out))

    async def _run(self, task: Task, place: int, progress: _Progress) -> _Ended:
        if progress.ended and (ended := progress.ended.get(str(task))) is not None:
            if (cause := ended.failure_cause) is not None:
                progress.failures[task] = AgentFailure(task.role, task.module, cause, ended.reason)
            return _Ended(not ended.cause, ended.answer_size)
        result = await self._executor.execute(Assignment(task, place, progress.order, progress.plan))
        if result.failure is not None:
            progress.failures[task] = result.failure
        if result.plan is not None:
            progress.plan = result.plan
        if result.files:
            progress.files.write(result.files)
        return _Ended(result.failure is None, result.answer_size)

    def _event(self, kind: EventKind, task: Task | None = None, detail: str = "") -> TaskEvent:
        return TaskEvent(kind, self._now(), str(task) if task else "", detail)


def _here(
    state: StateStore, perform: Perform | None, now: Callable[[], str], workflow: Workflow
) -> TaskExecutor:
    if perform is None:
        raise ValueError("an orchestrator needs an executor, or what performs tasks")
    return LocalExecutor(state, perform, now, workflow.reads)


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


if __name__ == "__main__":
    import sys

    from async_arch.command_line import main

    sys.exit(main())
