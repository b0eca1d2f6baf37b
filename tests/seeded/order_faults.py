"""Faults that show only where tasks run beside each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import async_arch.orchestrator
from agents.blackboard import ApiDesigned
from agents.build import TaskEvent
from agents.conversation import ModelReply, ModelRequest
from agents.roles import Role
from agents.workflow import Task, TaskReport
from async_arch.async_calls import AsyncCalls
from async_arch.executor import Assignment, LocalExecutor
from async_arch.state_manager import RedisStateManager
from harness.compare import Layer
from tests.seeded.fault import Blame, Fault, Install, Patch

__all__ = ["ORDER_FAULTS"]

Tasks = Mapping[Task, tuple[Task, ...]]
Work = Callable[[Task], Awaitable[bool]]


def _scheduled(change: Callable[[Tasks], Tasks]) -> Install:
    """A fault in what the scheduler takes the graph for."""

    def install(patch: Patch) -> None:
        usual = async_arch.orchestrator.run_concurrently

        async def run_concurrently(tasks: Tasks, work: Work, **more: Any) -> None:
            await usual(change(tasks), work, **more)

        patch.setattr(async_arch.orchestrator, "run_concurrently", run_concurrently)

    return install


def _worked(change: Callable[[Work], Work]) -> Install:
    """A fault in how the scheduler does a task."""

    def install(patch: Patch) -> None:
        usual = async_arch.orchestrator.run_concurrently

        async def run_concurrently(tasks: Tasks, work: Work, **more: Any) -> None:
            await usual(tasks, change(work), **more)

        patch.setattr(async_arch.orchestrator, "run_concurrently", run_concurrently)

    return install


def _needs_forgotten(tasks: Tasks) -> Tasks:
    return {task: () if task.role is Role.ARCHITECT else needs for task, needs in tasks.items()}


def _integrator_waits_for_one(tasks: Tasks) -> Tasks:
    return {task: needs[1:2] if task.role is Role.INTEGRATOR else needs for task, needs in tasks.items()}


def _optimizer_waits_for_developer(tasks: Tasks) -> Tasks:
    return {
        task: (Task(Role.DEVELOPER, task.module),) if task.role is Role.OPTIMIZER else needs
        for task, needs in tasks.items()
    }


def _reviewers_are_late(work: Work) -> Work:
    async def late(task: Task) -> bool:
        if task.role is Role.REVIEWER:
            await asyncio.sleep(0.1)
        return await work(task)

    return late


def _optimizer_beside_reviewer(patch: Patch) -> None:
    _scheduled(_optimizer_waits_for_developer)(patch)
    _worked(_reviewers_are_late)(patch)


def _pages_wait_for_nothing(tasks: Tasks) -> Tasks:
    return {task: () if task.role is Role.FRONTEND_DEVELOPER else needs for task, needs in tasks.items()}


def _last_task_lost(tasks: Tasks) -> Tasks:
    return {task: needs for task, needs in tasks.items() if task.role is not Role.DEBUGGER}


def _stages(tasks: Tasks) -> Tasks:
    """A role is begun when the role before it is done for every module."""
    order = (Role.ARCHITECT, Role.DEVELOPER, Role.REVIEWER, Role.OPTIMIZER)
    by_role = {role: [task for task in tasks if task.role is role] for role in order}
    earlier = dict(zip(order[1:], order, strict=False))
    return {
        task: tuple(dict.fromkeys([*needs, *by_role[earlier[task.role]]])) if task.role in earlier else needs
        for task, needs in tasks.items()
    }


def _one_at_a_time(patch: Patch) -> None:
    usual = async_arch.orchestrator.run_concurrently

    async def run_concurrently(tasks: Tasks, work: Work, *, at_once: int, **more: Any) -> None:
        await usual(tasks, work, at_once=1, **more)

    patch.setattr(async_arch.orchestrator, "run_concurrently", run_concurrently)


def _failure_stops_everything(work: Work) -> Work:
    failed: list[Task] = []

    async def careful(task: Task) -> bool:
        if failed:
            return False
        done = await work(task)
        if not done:
            failed.append(task)
        return done

    return careful


def _failure_ignored(work: Work) -> Work:
    async def careless(task: Task) -> bool:
        await work(task)
        return True

    return careless


def _started_twice(work: Work) -> Work:
    async def twice(task: Task) -> bool:
        if task == Task(Role.OPTIMIZER, "Users"):
            done, _ = await asyncio.gather(work(task), work(task))
            return done
        return await work(task)

    return twice


def _hidden_lock(patch: Patch) -> None:
    usual = AsyncCalls.__call__
    locks: dict[int, asyncio.Lock] = {}

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        async with locks.setdefault(id(self), asyncio.Lock()):
            return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _one_for_all(patch: Patch) -> None:
    """Calls of one role that are under way together are taken for the same."""
    usual = AsyncCalls.__call__
    under_way: dict[Role, asyncio.Task[ModelReply]] = {}

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        if (other := under_way.get(request.role)) is not None:
            return await other
        task = under_way[request.role] = asyncio.ensure_future(usual(self, request))
        try:
            return await task
        finally:
            del under_way[request.role]

    patch.setattr(AsyncCalls, "__call__", call)


def _last_answer_wins(patch: Patch) -> None:
    """The answer lies on the object while it is worked on, where the next one puts its own."""
    usual = AsyncCalls.__call__
    latest: dict[str, ModelReply] = {}

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        latest["reply"] = await usual(self, request)
        if request.role is Role.ARCHITECT and request.module in ("Users", "Catalog"):
            await asyncio.sleep(0.03)
        return latest["reply"]

    patch.setattr(AsyncCalls, "__call__", call)


def _registry_rewritten_whole(patch: Patch) -> None:
    """The registry of APIs is read, added to and written back: of two that do so at once, one is lost."""
    usual, snapshot_of = RedisStateManager.report, RedisStateManager.snapshot
    registry: dict[int, dict[str, object]] = {}

    async def report(self: RedisStateManager, done: TaskReport, place: int, event: TaskEvent) -> None:
        for change in done.changes:
            if isinstance(change, ApiDesigned):
                read = dict(registry.get(id(self), {}))
                await asyncio.sleep(0.03)
                registry[id(self)] = {**read, change.module: None}
        await usual(self, done, place, event)

    async def snapshot(self: RedisStateManager) -> dict[str, object]:
        board: dict[str, Any] = await snapshot_of(self)
        if id(self) in registry:
            kept = registry[id(self)]
            board["api_registry"] = {name: api for name, api in board["api_registry"].items() if name in kept}
        return board

    patch.setattr(RedisStateManager, "report", report)
    patch.setattr(RedisStateManager, "snapshot", snapshot)


def _places_by_completion(patch: Patch) -> None:
    usual = RedisStateManager.report
    done_before: dict[int, int] = {}

    async def report(self: RedisStateManager, done: TaskReport, place: int, event: TaskEvent) -> None:
        number = done_before[id(self)] = done_before.get(id(self), -1) + 1
        await usual(self, done, number, event)

    patch.setattr(RedisStateManager, "report", report)


def _module_of_another(patch: Patch) -> None:
    """Which module is worked on is remembered in one place for all tasks."""
    usual = LocalExecutor._inputs
    current: dict[int, Task] = {}

    async def inputs(self: LocalExecutor, assignment: Assignment) -> Any:
        current[id(self)] = assignment.task
        await asyncio.sleep(0.005)
        other = current[id(self)]
        read = other if other.role is assignment.task.role else assignment.task
        return await usual(self, replace(assignment, task=read))

    patch.setattr(LocalExecutor, "_inputs", inputs)


def _order(name: str, layer: Layer, words: str, install: Install, **more: Any) -> Fault:
    return Fault(name, Blame.ORDER, layer, words, install, **more)


ORDER_FAULTS = (
    _order(
        "an architect does not wait for the APIs it needs",
        Layer.OUTCOME,
        "architect:Shop",
        _scheduled(_needs_forgotten),
    ),
    _order(
        "the integrator waits for one module only",
        Layer.OUTCOME,
        "integrator",
        _scheduled(_integrator_waits_for_one),
        # The others are far behind, however busy the machine is.
        spec="uneven",
    ),
    _order(
        "the optimizer does not wait for the reviewer",
        Layer.CONVERSATION,
        "optimizer of",
        _optimizer_beside_reviewer,
    ),
    _order(
        "pages are begun before their API is there",
        Layer.OUTCOME,
        "frontend_developer:Shop",
        _scheduled(_pages_wait_for_nothing),
    ),
    _order(
        "the scheduler ends before the last task", Layer.CONVERSATION, "debugger", _scheduled(_last_task_lost)
    ),
    _order(
        "every role waits for all modules",
        Layer.TIMING,
        "were not made",
        _scheduled(_stages),
        spec="uneven",
    ),
    _order("one task runs at a time", Layer.TIMING, "were not made", _one_at_a_time, spec="uneven"),
    _order(
        "calls are serialised by a hidden lock", Layer.TIMING, "were not made", _hidden_lock, spec="uneven"
    ),
    _order(
        "a failure stops tasks beside it",
        Layer.CONVERSATION,
        "Sound",
        _worked(_failure_stops_everything),
        spec="broken",
    ),
    _order(
        "a failure does not stop what waits for it",
        Layer.OUTCOME,
        "API of Broken",
        _worked(_failure_ignored),
        spec="broken",
    ),
    _order(
        "a task is started twice",
        Layer.CONVERSATION,
        "optimizer of Users was asked twice",
        _worked(_started_twice),
    ),
    _order("calls under way together are taken for one", Layer.CONVERSATION, "", _one_for_all),
    _order("the last answer is given to everybody", Layer.CONVERSATION, "developer of", _last_answer_wins),
    _order("an update of the registry is lost", Layer.BLACKBOARD, "api_registry[", _registry_rewritten_whole),
    _order("entries stand in the order of completion", Layer.BLACKBOARD, "[order] is", _places_by_completion),
    _order("tasks share what is theirs alone", Layer.OUTCOME, "KeyError", _module_of_another),
)
