"""A beginning tells how many times workers had been given the task before: by the count that Redis keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis.asyncio
import redis.exceptions

from agents.build import EventKind
from agents.workflow import ANALYST
from async_arch.embedded_redis import embedded_redis
from async_arch.executor import Assignment
from async_arch.redis_client import open_redis
from async_arch.redis_events import read_events
from async_arch.redis_keys import RunKeys
from async_arch.workers import docket_executor, docket_worker
from async_arch.workers.task_queue import queue_name
from async_arch.workers.task_worker import TaskWorker
from tests.executors.bed import CODE, ORDER, Bed, docket_keys, facts, working
from tests.executors.team_model import team_model, until
from tests.workers.test_slots_of_hosts import a_row

TAKEOVER_S = 0.6
STREAM, GROUP = f"{queue_name('default', CODE)}:stream", "docket-workers"
IN_HAND = Assignment(ANALYST, 0, ORDER, None)


@pytest_asyncio.fixture
async def bed() -> AsyncIterator[Bed]:
    async with embedded_redis() as server, team_model() as model:
        yield Bed("docket", server.url, model)


async def told(bed: Bed, run: str = "run") -> list[int]:
    """What the beginnings of the analyst's task tell."""
    async with open_redis(bed.redis_url) as connection:
        found = [each.event for each in await read_events(connection, RunKeys(run), "0")]
    return [event.takeovers for event in found if event.kind is EventKind.TASK_STARTED]


async def taken_by_one_who_dies(bed: Bed) -> None:
    """Have a worker take the next message that then is never heard of again."""
    async with redis.asyncio.from_url(bed.redis_url, protocol=2) as client:
        with suppress(redis.exceptions.ResponseError):
            # The first to come makes it.
            await client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        async with asyncio.timeout(10):
            while not await client.xreadgroup(GROUP, "dead", {STREAM: ">"}, count=1):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_what_nobody_took_over_begins_without_a_number(bed: Bed, tmp_path: Path) -> None:
    async with working(bed.redis_url, 2, takeover_s=TAKEOVER_S):
        await bed.build("run", tmp_path)
    assert set(await told(bed)) == {0}


async def test_one_that_was_given_to_a_worker_that_died_before_it_said_anything(bed: Bed) -> None:
    async with bed.executing("run") as (_, executor):
        doing = asyncio.create_task(executor.execute(IN_HAND))
        await taken_by_one_who_dies(bed)
        async with working(bed.redis_url, takeover_s=TAKEOVER_S):
            await doing
    assert await told(bed) == [1]


async def test_every_takeover_has_a_number_of_its_own_however_often_leases_are_renewed(bed: Bed) -> None:
    bed.model.held = lambda task: len(bed.model.asked) < 3
    async with bed.executing("run") as (_, executor):
        doing = asyncio.create_task(executor.execute(IN_HAND))
        for number in (1, 2):
            async with working(bed.redis_url, takeover_s=TAKEOVER_S):
                await bed.model.until_asked("analyst", number)
                # Its lease is renewed meanwhile.
                await asyncio.sleep(1.5 * TAKEOVER_S)
        async with working(bed.redis_url, takeover_s=TAKEOVER_S):
            await doing
    assert await told(bed) == [0, 1, 2]


async def test_the_number_goes_with_a_task_that_is_handed_back(bed: Bed) -> None:
    async with AsyncExitStack() as stack:
        _, executor = await stack.enter_async_context(bed.executing("run"))
        doing = asyncio.create_task(executor.execute(IN_HAND))
        await taken_by_one_who_dies(bed)
        (stopping,) = await stack.enter_async_context(working(bed.redis_url, takeover_s=TAKEOVER_S))
        stopping._worker.stopping = True
        client = await stack.enter_async_context(redis.asyncio.from_url(bed.redis_url, protocol=2))
        ((taken, _),) = await client.xrange(STREAM)
        async with asyncio.timeout(10):
            while taken in [ident for ident, _ in await client.xrange(STREAM)]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        stopping._worker.stopping = False
        await doing
    assert await told(bed) == [1]


async def test_the_number_goes_with_a_task_that_waits_for_a_slot(bed: Bed) -> None:
    async with a_row(bed) as row:
        await row.client.zadd(row.slots, {"somebody": 2e10})
        await row.put_in(0)
        await taken_by_one_who_dies(bed)
        async with working(bed.redis_url, takeover_s=TAKEOVER_S):
            await row.until_waiting(1)
            await row.client.zrem(row.slots, "somebody")
            await until(lambda: row.begun == [0], "it has its slot")
    assert await told(bed, "run-0") == [1]


async def test_a_task_that_was_lost_and_is_put_in_again_has_a_number(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Higher than that of the one who was given it last."""
    monkeypatch.setattr(docket_executor, "_LOOK_S", 0.1)
    monkeypatch.setattr(docket_executor, "_LOST_AFTER_S", 0.3)
    bed.model.held = lambda task: len(bed.model.asked) == 1
    async with bed.executing("run") as (_, executor):
        doing = asyncio.create_task(executor.execute(IN_HAND))
        await taken_by_one_who_dies(bed)
        async with working(bed.redis_url, takeover_s=TAKEOVER_S):
            await bed.model.until_asked("analyst")
            async with redis.asyncio.from_url(bed.redis_url, protocol=2) as client:
                runs = [name async for name in client.scan_iter(f"{STREAM.removesuffix(':stream')}:runs:*")]
                await client.delete(STREAM, *runs)
            await doing
    assert await told(bed) == [1, 2]


async def test_a_redelivery_of_which_redis_knows_nothing_is_a_first_beginning(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker cannot claim that it takes a task over."""
    believe_redelivered(monkeypatch)
    async with working(bed.redis_url, takeover_s=5.0) as (worker,), bed.executing("run") as (_, executor):
        await executor.execute(IN_HAND)
        assert facts(worker).taken_over == 1
    assert await told(bed) == [0]


async def test_a_redelivered_task_that_nobody_has_any_more_is_not_begun_and_not_cleared_away(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    believe_redelivered(monkeypatch, gone=True)
    async with working(bed.redis_url, takeover_s=5.0) as (worker,), bed.executing("run") as (_, executor):
        doing = asyncio.create_task(executor.execute(IN_HAND))
        await _until_gone(worker)
        assert (bed.model.tasks, await told(bed)) == ([], [])
        assert (await docket_keys(bed.redis_url))["runs"] == 1
        doing.cancel()
        await asyncio.wait([doing])


async def _until_gone(worker: TaskWorker) -> None:
    seen = asyncio.Event()
    usual = worker._worker._count_takeovers

    async def counted(execution: Any) -> bool:
        found = await usual(execution)
        assert not found
        seen.set()
        return found

    worker._worker._count_takeovers = counted  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        await seen.wait()
    # What docket does with it, it does at its next look.
    await asyncio.sleep(0.3)


def believe_redelivered(monkeypatch: pytest.MonkeyPatch, *, gone: bool = False) -> None:
    """Have a worker take every message for one that was redelivered, and find it gone where it is to be."""
    usual: Any = docket_worker._CheckedExecution.from_message

    async def from_message(queue: Any, *args: Any, **options: Any) -> Any:
        if gone:
            async with queue.redis() as client:
                await client.xack(STREAM, GROUP, options["message_id"])
                await client.xdel(STREAM, options["message_id"])
        return await usual(queue, *args, **{**options, "redelivered": True})

    monkeypatch.setattr(docket_worker._CheckedExecution, "from_message", from_message)
