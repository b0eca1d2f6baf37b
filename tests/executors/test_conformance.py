"""The conformance suite of task executors: what a build sees is the same whoever does its tasks."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from agents.build import EventKind
from agents.conversation import Cause
from agents.plan import Plan
from agents.roles import Role
from agents.workflow import ANALYST, AUDITOR, Task, build_tasks
from async_arch.embedded_redis import embedded_redis
from async_arch.executor import Assignment, TaskExecutor, TaskResult
from async_arch.state_manager import RedisStateManager
from tests.executors.bed import ORDER, TASKS, Bed, docket_keys, left, working
from tests.executors.team_model import team_model, until
from tests.python_process import python

ARCHITECT, DEVELOPER, REVIEWER = (
    Task(role, "Users") for role in (Role.ARCHITECT, Role.DEVELOPER, Role.REVIEWER)
)


async def planned(executor: TaskExecutor) -> Plan:
    """The plan, made by the executor."""
    made = await executor.execute(Assignment(ANALYST, 0, ORDER, None))
    audited = await executor.execute(Assignment(AUDITOR, 1, ORDER, made.plan))
    plan = audited.plan or made.plan
    assert plan is not None
    return plan


async def done(executor: TaskExecutor, plan: Plan, task: Task) -> TaskResult:
    """What a task after planning comes to."""
    place = list(build_tasks(plan)).index(task) + 2
    return await executor.execute(Assignment(task, place, ORDER, plan))


async def events_of(state: RedisStateManager, task: Task) -> list[tuple[EventKind, str, bool]]:
    """The events of a task: kind, detail, and whether they tell of a call."""
    await state.settled()
    found = []
    async for streamed in state.events_after():
        event = streamed.event
        if event.task == str(task):
            found.append((event.kind, event.detail, bool(event.calls)))
            if event.kind in (EventKind.TASK_COMPLETED, EventKind.TASK_FAILED):
                break
    return found


async def test_a_task_leaves_its_plan_files_checkpoint_and_events(bed: Bed) -> None:
    async with bed.executing("run") as (state, executor):
        plan = await planned(executor)
        designed = await done(executor, plan, ARCHITECT)
        coded = await done(executor, plan, DEVELOPER)
        await state.settled()
        assert await state.plan() == plan
        assert [module.name for module in plan.modules] == ["Users", "Orders"]
        assert (designed.failure, designed.files, designed.plan) == (None, {}, None)
        assert list(coded.files) == [plan.module("Users").filename]
        board: Any = await state.snapshot()
        assert board["files_created"] == list(coded.files)
        for task, result in ((ARCHITECT, designed), (DEVELOPER, coded)):
            checkpoint = await state.checkpoint(str(task))
            assert checkpoint is not None
            assert (checkpoint.answer_size, checkpoint.files) == (result.answer_size, tuple(result.files))
            (attempt,) = [
                each
                for each in board["agent_attempts"]
                if (each["agent"], each["module"]) == (task.role.value, task.module)
            ]
            assert result.answer_size == len(attempt["output"]) > 0
            assert await events_of(state, task) == [
                (EventKind.TASK_STARTED, "", False),
                (EventKind.TASK_COMPLETED, "", True),
            ]


async def test_an_agent_that_fails_is_a_failure_of_its_task(bed: Bed) -> None:
    bed.model.refused = lambda task: task == str(DEVELOPER)
    async with bed.executing("run") as (state, executor):
        plan = await planned(executor)
        await done(executor, plan, ARCHITECT)
        result = await done(executor, plan, DEVELOPER)
        assert result.failure is not None
        assert (result.failure.cause, result.files) == (Cause.REQUEST, {})
        assert (result.failure.role, result.failure.module) == (Role.DEVELOPER, "Users")
        assert "this is refused" in result.failure.reason
        assert await events_of(state, DEVELOPER) == [
            (EventKind.TASK_STARTED, "", False),
            (EventKind.TASK_FAILED, result.failure.reason, True),
        ]
        checkpoint = await state.checkpoint(str(DEVELOPER))
        assert checkpoint is not None
        assert (checkpoint.failure_cause, checkpoint.reason) == (Cause.REQUEST, result.failure.reason)


async def test_what_breaks_in_a_task_is_a_failure_of_the_engine(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*_: object, **__: object) -> Any:
        async def perform(task: Task, inputs: object) -> None:
            raise RuntimeError(f"{task} fell over")

        return perform

    monkeypatch.setattr("async_arch.workers.task_worker.performer", breaking)
    monkeypatch.setattr("tests.executors.bed.performer", breaking)
    async with bed.executing("run") as (state, executor):
        result = await executor.execute(Assignment(ANALYST, 0, ORDER, None))
        assert result.failure is not None
        reason = "RuntimeError: analyst fell over"
        assert (result.failure.cause, result.failure.reason) == (Cause.ENGINE, reason)
        assert (await events_of(state, ANALYST))[-1] == (EventKind.TASK_FAILED, reason, False)


async def test_a_task_reads_the_apis_and_files_of_others(bed: Bed) -> None:
    orders = Task(Role.ARCHITECT, "Orders")
    async with bed.executing("run") as (state, executor):
        plan = await planned(executor)
        await done(executor, plan, ARCHITECT)
        files = (await done(executor, plan, DEVELOPER)).files
        await done(executor, plan, REVIEWER)
        await done(executor, plan, orders)
        await state.settled()
        board: Any = await state.snapshot()
    # The first of each: a module that the reviewer sent back is shown again.
    prompts = {each.task: each.prompt for each in reversed(bed.model.asked)}
    function = board["api_registry"]["Users"]["functions"][0]["signature"]
    assert function in prompts[str(orders)]
    assert next(iter(files.values())).strip() in prompts[str(REVIEWER)]


async def test_what_depends_on_a_failed_task_is_skipped_and_nothing_else(bed: Bed, tmp_path: Path) -> None:
    bed.model.refused = lambda task: task == "developer:Orders"
    outcome = await bed.build("run", tmp_path)
    assert [(failure.task, failure.cause) for failure in outcome.failures] == [
        ("developer:Orders", Cause.REQUEST)
    ]
    assert outcome.skipped == ("reviewer:Orders", "optimizer:Orders", "integrator", "debugger")
    assert bed.model.answered["optimizer:Users"] == 1
    found = await left(bed.redis_url, "run", tmp_path)
    assert found.ended["TASK_SKIPPED", "reviewer:Orders", "needs developer:Orders"] == 1
    assert set(found.started) == {
        *(str(task) for task in (ANALYST, AUDITOR, ARCHITECT, DEVELOPER, REVIEWER)),
        "optimizer:Users",
        "architect:Orders",
        "developer:Orders",
    }


async def test_a_cancelled_build_takes_its_tasks_back(bed: Bed, tmp_path: Path) -> None:
    bed.model.held = lambda task: task == str(REVIEWER)
    build = asyncio.create_task(bed.build("run", tmp_path))
    await bed.model.until_asked(str(REVIEWER))
    build.cancel()
    with pytest.raises(asyncio.CancelledError):
        await build
    await until(lambda: bed.model.gone[str(REVIEWER)] == 1, "the call is given up")
    # The worker says that the task is cancelled once it is.
    async with asyncio.timeout(10):
        while (await docket_keys(bed.redis_url)).keys() & {"entries", "runs", "progress"}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert bed.model.tasks.count(str(REVIEWER)) == 1


async def test_a_build_whose_owner_died_is_resumed_where_it_stood(bed: Bed, tmp_path: Path) -> None:
    bed.model.held = lambda task: task == str(REVIEWER)
    code = (
        "import asyncio\nfrom pathlib import Path\nfrom tests.executors.bed import Bed\n"
        "from tests.executors.team_model import TeamModel\n"
        f"bed = Bed({bed.kind!r}, {bed.redis_url!r}, TeamModel({bed.model.url!r}))\n"
        f"asyncio.run(bed.build('run', Path({str(tmp_path)!r})))\n"
    )
    async with python("-c", code) as owner:
        await bed.model.until_asked(str(REVIEWER))
        await until(lambda: bed.model.answered["optimizer:Orders"] == 1, "all that can be done is done")
        await asyncio.sleep(0.1)
        os.kill(owner.pid, signal.SIGKILL)
    asked = list(bed.model.tasks)
    bed.model.go.set()
    outcome = await bed.build("run", tmp_path, resume=True)
    assert outcome.failures == ()
    # The developer is asked by the reviewer, who sends the module back.
    again = set(bed.model.tasks[len(asked) :]) - {str(DEVELOPER)}
    assert again == {str(REVIEWER), "optimizer:Users", "integrator", "debugger"}
    whole = tmp_path / "whole"
    await bed.build("whole", whole)
    resumed, undisturbed = (
        await left(bed.redis_url, "run", tmp_path),
        await left(bed.redis_url, "whole", whole),
    )
    assert resumed.board == undisturbed.board
    assert resumed.checkpoints == undisturbed.checkpoints
    assert resumed.ended - undisturbed.ended == {("BUILD_RESUMED", "", ""): 1}


async def test_a_redis_that_is_gone_ends_the_build_as_such(bed: Bed, tmp_path: Path) -> None:
    bed.model.held = lambda task: task == str(REVIEWER)
    async with embedded_redis() as server, working(server.url, redis_patience_s=0.2):
        there = Bed(bed.kind, server.url, bed.model, patience_s=0.3)
        build = asyncio.create_task(there.build("run", tmp_path))
        await bed.model.until_asked(str(REVIEWER))
        os.kill(server.pid, signal.SIGKILL)
        bed.model.go.set()
        outcome = await build
    (failure,) = outcome.failures
    assert (failure.task, failure.cause, outcome.lost_state) == ("state", Cause.STATE, True)
    assert "no answer from Redis at " in failure.reason


async def test_what_breaks_beside_a_build_comes_out_as_it_is(bed: Bed) -> None:
    with pytest.raises(LookupError, match="of the caller"):
        async with bed.executing("run"):
            raise LookupError("of the caller")


async def test_a_build_leaves_the_same_with_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with embedded_redis() as server, team_model() as model, working(server.url, 3):
        monkeypatch.setenv("OLLAMA_HOST", model.url)
        for refused in ("nobody", "developer:Orders"):
            model.refused = refused.__eq__
            found = []
            for kind in ("local", "docket"):
                run = f"{kind}-{refused}"
                await Bed(kind, server.url, model).build(run, tmp_path / run)
                found.append(await left(server.url, run, tmp_path / run))
            assert found[0] == found[1]
            assert len(found[0].checkpoints) == TASKS
            assert "users.py" in found[0].files
