"""The writes of one build, some tasks beside each other, and what is in Redis after them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agents.blackboard import AttemptMade, FileWritten, Logged, ProjectInfo, ProjectStatus
from agents.build import EventKind, TaskEvent
from agents.conversation import Attempt, AttemptStatus
from agents.roles import Role
from agents.workflow import Reads, Task, TaskReport
from async_arch.state_manager import RedisStateManager

__all__ = ["LeftByBuild", "left_by", "write_build"]

_INFO = ProjectInfo("a shop – «Größe» 店", "2026-01-01T00:00:00", ProjectStatus.BUILDING)
_AT_ONCE = 8
_EVERY = 4


@dataclass(frozen=True, slots=True)
class LeftByBuild:
    """What a build left: the document as JSON, files by path, and the events, whichever task was faster."""

    document: str
    files: Mapping[str, str]
    events: list[TaskEvent]


async def write_build(state: RedisStateManager, modules: int) -> None:
    """Write as a build of so many modules does: events and reports, and a count that some read and write."""
    await state.create(_INFO, TaskEvent(EventKind.BUILD_STARTED, "t"))
    tasks = iter(enumerate(Task(Role.DEVELOPER, f"Module{number:03}") for number in range(modules)))
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(_write_tasks(state, tasks))
    await state.finish(ProjectStatus.COMPLETE, TaskEvent(EventKind.BUILD_FINISHED, "t", "", "complete"))


async def left_by(state: RedisStateManager) -> LeftByBuild:
    """What lies in Redis of a build that was finished."""
    events = [event async for event in state.events()]
    readings = await state.read(Reads(all_files=True))
    document = json.dumps(await state.snapshot(), ensure_ascii=False)
    return LeftByBuild(document, readings.files, sorted(events, key=str))


async def _write_tasks(state: RedisStateManager, tasks: Iterator[tuple[int, Task]]) -> None:
    for place, task in tasks:
        await state.announce(TaskEvent(EventKind.TASK_STARTED, "t", str(task)))
        completed = TaskEvent(EventKind.TASK_COMPLETED, "t", str(task), calls=1, output_tokens=place)
        async with asyncio.TaskGroup() as group:
            group.create_task(state.report(_report(task), place, completed))
            if place % _EVERY == 0:
                group.create_task(state.transaction(["counts"], _counted))
        # As if the model took its time meanwhile: what goes in one trip stays small.
        await state.settled()


def _report(task: Task) -> TaskReport:
    code = f"# {task}\n" + "x = 1\n" * 20
    attempt = Attempt(Role.DEVELOPER, task.module, 1, f"Write {task}.", code, AttemptStatus.OK, None, "t")
    path = f"{task.module}.py".lower()
    return TaskReport(
        task, (AttemptMade(attempt), FileWritten(path, code), Logged("info", f"{task} is done"))
    )


def _counted(board: dict[str, object]) -> dict[str, object]:
    counts = board.get("counts", {"tasks": 0})
    assert isinstance(counts, dict)
    return {"counts": {"tasks": counts["tasks"] + 1}}
