"""Faults in what the async loop tells of a task: when it was, how it ended, how often the model was asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import async_arch.engine
import async_arch.orchestrator
import async_arch.state_manager
from agents.build import EventKind, TaskEvent
from agents.workflow import Task, TaskReport, skipped
from async_arch.checkpoints import Checkpoint, checkpoint_of
from async_arch.executor import Assignment, LocalExecutor
from async_arch.state_manager import RedisStateManager
from harness.compare import Layer
from tests.seeded.fault import Blame, Fault, Install, Patch

__all__ = ["TOLD_FAULTS"]


def _reported(change: Callable[[TaskReport, TaskEvent], TaskEvent]) -> Install:
    """A fault in the event that comes with a report."""

    def install(patch: Patch) -> None:
        usual = RedisStateManager.report

        async def report(self: RedisStateManager, made: TaskReport, place: int, event: TaskEvent) -> None:
            await usual(self, made, place, change(made, event))

        patch.setattr(RedisStateManager, "report", report)

    return install


def _clock_read_once(patch: Patch) -> None:
    usual = async_arch.engine.timestamp
    read: dict[asyncio.AbstractEventLoop, str] = {}
    patch.setattr(
        async_arch.engine, "timestamp", lambda: read.setdefault(asyncio.get_running_loop(), usual())
    )


def _begins_at_the_end(now: bool) -> Install:
    """A beginning that is announced when the task has been done, with the time `now` or the right one."""

    def install(patch: Patch) -> None:
        announced, attempt = RedisStateManager.announce, LocalExecutor._attempt
        kept: dict[str, TaskEvent] = {}

        async def announce(self: RedisStateManager, event: TaskEvent) -> None:
            if event.kind is EventKind.TASK_STARTED:
                kept[event.task] = event
            else:
                await announced(self, event)

        async def attempted(self: LocalExecutor, assignment: Assignment) -> TaskReport:
            report = await attempt(self, assignment)
            event = kept.pop(str(assignment.task))
            await announced(self._state, replace(event, at=self._now()) if now else event)  # type: ignore[arg-type]
            return report

        patch.setattr(RedisStateManager, "announce", announce)
        patch.setattr(LocalExecutor, "_attempt", attempted)

    return install


def _end_dated_as_begin(patch: Patch) -> None:
    announced, reported = RedisStateManager.announce, RedisStateManager.report
    began: dict[str, str] = {}

    async def announce(self: RedisStateManager, event: TaskEvent) -> None:
        began[event.task] = event.at
        await announced(self, event)

    async def report(self: RedisStateManager, made: TaskReport, place: int, event: TaskEvent) -> None:
        await reported(self, made, place, replace(event, at=began.get(event.task, event.at)))

    patch.setattr(RedisStateManager, "announce", announce)
    patch.setattr(RedisStateManager, "report", report)


def _failed_is_done(patch: Patch) -> None:
    def checkpoint(report: TaskReport) -> Checkpoint:
        return replace(checkpoint_of(report), cause="", reason="")

    patch.setattr(async_arch.state_manager, "checkpoint_of", checkpoint)


def _checkpoint_of_the_role(patch: Patch) -> None:
    usual = async_arch.state_manager.set_hash

    def written(suffix: str, name: bytes, value: bytes) -> Any:
        return usual(suffix, name.partition(b":")[0] if suffix == "tasks" else name, value)

    patch.setattr(async_arch.state_manager, "set_hash", written)


def _skipped_by_direct_needs(patch: Patch) -> None:
    def told(task: Task, waits_for: tuple[Task, ...]) -> TaskReport:
        return skipped(task, waits_for[:0])

    patch.setattr(async_arch.orchestrator, "skipped", told)


def _loop_blocked(patch: Patch) -> None:
    attempt = LocalExecutor._attempt

    async def attempted(self: LocalExecutor, assignment: Assignment) -> TaskReport:
        time.sleep(0.35)  # noqa: ASYNC251 (the fault)
        return await attempt(self, assignment)

    patch.setattr(LocalExecutor, "_attempt", attempted)


def _told(name: str, layer: Layer, words: str, install: Install, **more: Any) -> Fault:
    return Fault(name, Blame.LOOP, layer, words, install, **more)


TOLD_FAULTS = (
    _told("the clock is read once for a build", Layer.BLACKBOARD, "are dated within", _clock_read_once),
    _told(
        "a beginning is announced and dated when the task ends",
        Layer.EVENTS,
        "TASK_STARTED analyst is dated after",
        _begins_at_the_end(now=True),
    ),
    Fault(
        "a beginning is announced when the task ends",
        Blame.ORDER,
        Layer.EVENTS,
        "which is dated later",
        _begins_at_the_end(now=False),
    ),
    _told("an end is dated as the beginning", Layer.EVENTS, "is dated before", _end_dated_as_begin),
    _told(
        "an event tells of no retries",
        Layer.EVENTS,
        "tell of 0 retries instead of",
        _reported(lambda _, event: replace(event, retries=0)),
        spec="flaky",
    ),
    _told(
        "the checkpoint of a task that failed says that it is done",
        Layer.BLACKBOARD,
        "as done that failed: architect:Broken",
        _failed_is_done,
        spec="broken",
    ),
    _told(
        "checkpoints bear the name of the role alone",
        Layer.BLACKBOARD,
        "does not know of tasks that they ended: architect:Users",
        _checkpoint_of_the_role,
    ),
    _told(
        "what is skipped does not say what it needs",
        Layer.BLACKBOARD,
        "skipped: it needs",
        _skipped_by_direct_needs,
        spec="broken",
    ),
    _told(
        "every task blocks the loop for a moment",
        Layer.TIMING,
        " s",
        _loop_blocked,
        in_worker=True,
    ),
)
