"""A task that is given out twice has its effect once: that of whoever reports first, whole."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from agents.build import EventKind, TaskEvent
from agents.workflow import ANALYST, AUDITOR, Task
from async_arch.embedded_redis import embedded_redis
from async_arch.executor import Assignment
from async_arch.lease import held_lease
from async_arch.redis_client import open_redis
from async_arch.redis_events import read_events
from async_arch.redis_keys import RunKeys
from async_arch.state_manager import RedisStateManager
from async_arch.workers.roster import WorkerFacts, live_workers
from async_arch.workers.task_queue import PERFORM, TaskReference, open_queue
from async_arch.workers.task_worker import _Ended, _State
from tests.executors.bed import CODE, ORDER, Bed, docket_keys, facts, working
from tests.executors.team_model import team_model, until
from tests.python_process import python

TAKEOVER_S = 1.0
WORKER = """
import asyncio, sys
from async_arch.workers.task_worker import TaskWorker, WorkerSettings

async def main():
    settings = WorkerSettings(sys.argv[1], sys.argv[2], takeover_s=1.0, name="paused")
    async with TaskWorker.opened(settings) as worker:
        print("there", flush=True)
        await worker.work(asyncio.Event())

asyncio.run(main())
"""


@pytest_asyncio.fixture
async def bed() -> AsyncIterator[Bed]:
    async with embedded_redis() as server, team_model() as model:
        yield Bed("docket", server.url, model)


async def worker_facts(redis_url: str, name: str) -> WorkerFacts:
    """What the worker of this name said last."""
    async with open_redis(redis_url) as connection:
        return next(each for each in await live_workers(connection) if each.name == name)


async def events(state: RedisStateManager, task: Task) -> list[TaskEvent]:
    """The events of a task up to now."""
    await state.settled()
    async with open_redis(state._connection.url) as connection:
        found = await read_events(connection, RunKeys(state.run), "0")
    return [each.event for each in found if each.event.task == str(task)]


async def told(state: RedisStateManager, task: Task) -> list[EventKind]:
    """What happened to a task up to now."""
    return [event.kind for event in await events(state, task)]


async def test_a_worker_that_was_stopped_and_goes_on_leaves_nothing_of_what_another_has_ended(
    bed: Bed,
) -> None:
    """It finds that its task is gone, or reports in vain."""
    bed.model.numbers = True
    bed.model.held = lambda task: len(bed.model.asked) == 1
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(python("-c", WORKER, bed.redis_url, CODE))
        assert process.stdout is not None
        await process.stdout.readline()
        state, executor = await stack.enter_async_context(bed.executing("run"))
        doing = asyncio.create_task(executor.execute(Assignment(ANALYST, 0, ORDER, None)))
        await bed.model.until_asked("analyst")
        async with asyncio.timeout(10):
            while not await told(state, ANALYST):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        os.kill(process.pid, signal.SIGSTOP)
        (other,) = await stack.enter_async_context(working(bed.redis_url, takeover_s=TAKEOVER_S))
        # It takes the task over when the lease has lapsed, and is answered at once.
        result = await doing
        await until(lambda: facts(other).done == 1, "it is counted")
        assert facts(other).taken_over == 1
        before: Any = await state.snapshot()
        bed.model.go.set()
        await until(lambda: bed.model.answered["analyst"] == 2, "the first worker is answered too")
        os.kill(process.pid, signal.SIGCONT)
        async with asyncio.timeout(10):
            while (await worker_facts(bed.redis_url, "paused")).busy:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await state.snapshot() == before
        assert result.plan == await state.plan()
        # Twice begun, for so it was, and once ended.
        assert [(event.kind, event.takeovers) for event in await events(state, ANALYST)] == [
            (EventKind.TASK_STARTED, 0),
            (EventKind.TASK_STARTED, 1),
            (EventKind.TASK_COMPLETED, 0),
        ]
        assert len(before["agent_attempts"]) == 1
        assert not (await docket_keys(bed.redis_url)).keys() & {"entries", "runs"}


async def test_a_task_that_is_put_in_again_once_it_is_done_is_left_as_it_is(bed: Bed) -> None:
    async with (
        working(bed.redis_url) as (worker,),
        bed.executing("run") as (state, executor),
        open_queue(bed.redis_url, "default", CODE) as queue,
    ):
        await executor.execute(Assignment(ANALYST, 0, ORDER, None))
        before = await state.snapshot()
        again = TaskReference("run", str(ANALYST), state.token, 0)
        await queue.add(PERFORM, key=again.key)(**again.arguments())
        await until(lambda: facts(worker).repeated == 1, "it comes to a worker")
        assert bed.model.tasks == ["analyst"]
        assert await state.snapshot() == before
        assert await told(state, ANALYST) == [EventKind.TASK_STARTED, EventKind.TASK_COMPLETED]
        assert facts(worker).done == 1


async def test_a_task_that_is_put_in_twice_at_once_has_one_effect(bed: Bed) -> None:
    """Under one key docket takes it once; under two, two workers do it and one report counts, whole."""
    bed.model.numbers = True
    bed.model.held = lambda task: True
    async with (
        working(bed.redis_url, 2, concurrency=1) as workers,
        bed.executing("run") as (state, executor),
        open_queue(bed.redis_url, "default", CODE) as queue,
    ):
        doing = asyncio.create_task(executor.execute(Assignment(ANALYST, 0, ORDER, None)))
        await bed.model.until_asked("analyst")
        twin = TaskReference("run", str(ANALYST), state.token, 0)
        await queue.add(PERFORM, key=twin.key)(**twin.arguments())
        await queue.add(PERFORM, key="another")(**twin.arguments())
        await bed.model.until_asked("analyst", 2)
        bed.model.go.set()
        result = await doing
        await until(lambda: sum(len(facts(each).busy) for each in workers) == 0, "both have ended")
        board: Any = await state.snapshot()
        (attempt,) = board["agent_attempts"]
        assert result.plan is not None
        assert result.plan.summary.startswith("Take ")
        assert (result.plan.summary in attempt["output"], result.plan) == (True, await state.plan())
        assert bed.model.tasks == ["analyst", "analyst"]
        assert (await told(state, ANALYST)).count(EventKind.TASK_COMPLETED) == 1


async def test_a_task_of_an_owner_who_was_replaced_is_neither_asked_nor_written(bed: Bed) -> None:
    async with (
        working(bed.redis_url) as (worker,),
        bed.executing("run") as (state, executor),
        open_queue(bed.redis_url, "default", CODE) as queue,
    ):
        plan = (await executor.execute(Assignment(ANALYST, 0, ORDER, None))).plan
        before = await state.snapshot()
        stale = TaskReference("run", str(AUDITOR), str(int(state.token) - 1), 1)
        await queue.add(PERFORM, key=stale.key)(**stale.arguments())
        await until(lambda: facts(worker).overtaken == 1, "it comes to a worker")
        assert bed.model.tasks == ["analyst"]
        assert await state.snapshot() == before
        assert plan is not None


async def test_nothing_is_written_for_an_owner_who_is_replaced_while_the_model_answers(bed: Bed) -> None:
    bed.model.held = lambda task: task == str(AUDITOR)
    async with AsyncExitStack() as stack:
        (worker,) = await stack.enter_async_context(working(bed.redis_url))
        state, executor = await stack.enter_async_context(bed.executing("run"))
        plan = (await executor.execute(Assignment(ANALYST, 0, ORDER, None))).plan
        doing = asyncio.create_task(executor.execute(Assignment(AUDITOR, 1, ORDER, plan)))
        await bed.model.until_asked(str(AUDITOR))
        connection = await stack.enter_async_context(open_redis(bed.redis_url))
        await connection.command("DEL", "agentfactory:{run}:lease")
        await stack.enter_async_context(held_lease(connection, "run"))
        before = await state.snapshot()
        bed.model.go.set()
        await until(lambda: facts(worker).overtaken == 1, "the worker notices")
        assert await state.snapshot() == before
        assert await state.checkpoint(str(AUDITOR)) is None
        doing.cancel()
        await asyncio.wait([doing])


async def test_nothing_is_told_of_a_task_that_has_ended(bed: Bed) -> None:
    """Not even that it begins, by a worker that stood still before it could say so."""
    async with working(bed.redis_url), bed.executing("run") as (state, executor):
        await executor.execute(Assignment(ANALYST, 0, ORDER, None))
        async with open_redis(bed.redis_url) as connection, _State.on(connection, "run", state.token) as late:
            with pytest.raises(_Ended):
                await late.announce(TaskEvent(EventKind.TASK_STARTED, "t", str(ANALYST)))
            await late.announce(TaskEvent(EventKind.TASK_STARTED, "t", str(AUDITOR)))
            await late.settled()
        assert await told(state, ANALYST) == [EventKind.TASK_STARTED, EventKind.TASK_COMPLETED]
        assert await told(state, AUDITOR) == [EventKind.TASK_STARTED]
