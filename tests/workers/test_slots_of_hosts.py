"""The slots of model hosts: over all workers and builds, no host has more tasks at once than it has slots."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest_asyncio
from docket import Docket

from agents.blackboard import ProjectInfo, ProjectStatus
from agents.project import Order
from async_arch.composition import Generation
from async_arch.embedded_redis import embedded_redis
from async_arch.lease import held_lease
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.state_manager import RedisStateManager
from async_arch.workers.brief import RunBrief
from async_arch.workers.settings import ModelHost
from async_arch.workers.task_queue import PERFORM, TaskReference, open_queue, queue_name
from tests.executors.bed import CODE, MODEL, Bed, docket_keys, facts, left, working
from tests.executors.team_model import team_model, until
from tests.python_process import python
from tests.workers.test_once_in_effect import WORKER

HOSTS = (ModelHost("http://gpu-0", 1), ModelHost("http://gpu-1", 2))


@pytest_asyncio.fixture
async def bed() -> AsyncIterator[Bed]:
    async with embedded_redis() as server, team_model() as model:
        yield Bed("docket", server.url, model)


async def test_no_host_has_more_tasks_at_once_than_slots(bed: Bed, tmp_path: Path) -> None:
    bed = replace(bed, hosts=HOSTS)
    bed.model.takes_s = 0.01
    async with working(bed.redis_url, 3, concurrency=4, takeover_s=2.0) as workers:
        async with asyncio.TaskGroup() as group:
            builds = [
                group.create_task(bed.build(f"run-{number}", tmp_path / str(number))) for number in range(4)
            ]
        assert [build.result().failures for build in builds] == [()] * 4
        assert bed.model.most_at_once == {"/host/0": 1, "/host/1": 2}
        assert sum(facts(each).taken_over for each in workers) == 0
        first, *others = [
            await left(bed.redis_url, f"run-{number}", tmp_path / str(number)) for number in range(4)
        ]
        assert all(other == first for other in others)
        await until_empty(bed.redis_url)


async def test_who_waits_longest_gets_the_slot_that_comes_free(bed: Bed) -> None:
    """Also where one comes while the slot is handed over, and so looks free."""
    bed.model.held = lambda task: len(bed.model.asked) == 1
    async with working(bed.redis_url, takeover_s=10.0), a_row(bed) as row:
        await row.put_in(0)
        await bed.model.until_asked("analyst")
        for number in (1, 2, 3):
            await row.put_in(number)
            await row.until_waiting(number)
        assert await row.client.zrem(row.slots, *await row.client.zrange(row.slots, 0, -1)) == 1
        await row.put_in(4)
        await row.until_waiting(4)
        bed.model.go.set()
        await until(lambda: bed.model.answered.total() == 5, "all are done")
        assert row.begun == [0, 1, 2, 3, 4]


async def test_what_waits_and_is_no_task_holds_up_nobody(bed: Bed) -> None:
    async with working(bed.redis_url, takeover_s=1.0), a_row(bed) as row:
        await row.client.zadd(row.slots, {"somebody": time.time() + 60})
        await row.client.xadd(f"{row.slots}:waiters", {"no": "key"})
        await row.put_in(0)
        await row.until_waiting(1)
        await row.client.zrem(row.slots, "somebody")
        await until(lambda: row.begun == [0], "who stood behind it is done")


async def test_the_slot_of_a_worker_that_was_killed_comes_free(bed: Bed) -> None:
    bed.model.held = lambda task: len(bed.model.asked) == 1
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(python("-c", WORKER, bed.redis_url, CODE))
        assert process.stdout is not None
        await process.stdout.readline()
        row = await stack.enter_async_context(a_row(bed))
        await row.put_in(0)
        await bed.model.until_asked("analyst")
        await row.put_in(1)
        await row.until_waiting(1)
        os.kill(process.pid, signal.SIGKILL)
        (worker,) = await stack.enter_async_context(working(bed.redis_url, takeover_s=1.0))
        await until(lambda: facts(worker).done == 2, "both are done")
        assert sorted(row.begun) == [0, 0, 1]
        assert bed.model.most_at_once["/host/0"] == 1
        await until_empty(bed.redis_url)


@dataclass
class Row:
    """Tasks of a host with one slot, each of a build of its own."""

    bed: Bed
    stack: AsyncExitStack
    connection: RedisConnection
    queue: Docket
    client: Any
    slots: str = f"{queue_name('default', CODE)}:host:{HOSTS[0].url}:concurrency:perform"

    @property
    def begun(self) -> list[int]:
        """The tasks that have asked the model, by their numbers."""
        return [int(found[1]) for each in self.bed.model.asked if (found := _NUMBER.search(each.prompt))]

    async def put_in(self, number: int) -> None:
        """Put in the analyst's task of the build with this number."""
        run = f"run-{number}"
        token = await self.stack.enter_async_context(held_lease(self.connection, run))
        state = await self.stack.enter_async_context(RedisStateManager.on(self.connection, run, token))
        await state.create(ProjectInfo("idea", "2026-01-01T00:00:00", ProjectStatus.BUILDING))
        brief = RunBrief(
            Order(f"A list, number {number}."), MODEL, self.bed.model.url, Generation.LLM, CODE, HOSTS[:1]
        )
        await state.leave_brief(brief.data)
        reference = TaskReference(run, "analyst", token, 0, HOSTS[0].url, HOSTS[0].slots)
        await self.queue.add(PERFORM, key=reference.key)(**reference.arguments())

    async def until_waiting(self, count: int) -> None:
        """Return when so many wait for the slot."""
        async with asyncio.timeout(30):
            while await self.client.xlen(f"{self.slots}:waiters") < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


_NUMBER = re.compile(r"number (\d)")


@asynccontextmanager
async def a_row(bed: Bed) -> AsyncIterator[Row]:
    """An empty row."""
    async with (
        open_redis(bed.redis_url) as connection,
        open_queue(bed.redis_url, "default", CODE) as queue,
        AsyncExitStack() as stack,
    ):
        yield Row(bed, stack, connection, queue, connection.client)


async def until_empty(redis_url: str) -> None:
    """Return when nothing is left in the queue."""
    async with asyncio.timeout(30):
        while (await docket_keys(redis_url)).keys() & {"concurrency", "runs", "entries"}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
