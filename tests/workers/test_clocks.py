"""The clocks of machines do not matter: workers go by that of Redis, and write times of the build's."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from agents.build import EventKind
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import open_redis
from async_arch.state_manager import RedisStateManager
from async_arch.workers.roster import BEAT_S, LIVES_S
from harness.workers.fleet import look_at_workers
from tests.executors.bed import TASKS, Bed, facts, left, working
from tests.executors.team_model import team_model, until
from tests.workers import wall_clocks
from tests.workers.test_slots_of_hosts import a_row
from tests.workers.test_waiting import until_there
from tests.workers.wall_clocks import working_ahead

TEN_MINUTES_S = 600.0
GRAIN_S = 0.05
"""To how much two looks at one clock agree on a busy machine; timestamps have milliseconds."""
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")


@pytest_asyncio.fixture
async def bed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    wall_clocks.differ(monkeypatch)
    async with embedded_redis() as server, team_model() as model:
        yield Bed("docket", server.url, model)


def seconds(timestamp: str) -> float:
    """Since the epoch."""
    return datetime.fromisoformat(timestamp).timestamp()


@pytest.mark.parametrize("build_ahead_s", [0.0, -TEN_MINUTES_S / 2], ids=["of Redis", "of its own"])
async def test_all_that_workers_write_has_times_of_the_build_by_its_own_clock(
    bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build_ahead_s: float
) -> None:
    """Red where a worker writes the time of its machine, or of Redis, or its brief has no difference."""
    monkeypatch.setenv("OLLAMA_HOST", bed.model.url)
    async with AsyncExitStack() as stack:
        for name, ahead_s in (("ahead", TEN_MINUTES_S), ("behind", -TEN_MINUTES_S)):
            worker = working_ahead(bed.redis_url, ahead_s, name=name, concurrency=1)
            await stack.enter_async_context(worker)
        began_s = time.time() + build_ahead_s
        with wall_clocks.ahead(build_ahead_s):
            build = asyncio.create_task(bed.build("by-workers", tmp_path / "by-workers"))
        assert (await build).failures == ()
        ended_s = time.time() + build_ahead_s
        # Done here, without a worker, it leaves the same.
        assert (await replace(bed, kind="local").build("here", tmp_path / "here")).failures == ()
        found = await left(bed.redis_url, "by-workers", tmp_path / "by-workers")
        assert found == await left(bed.redis_url, "here", tmp_path / "here")
        async with RedisStateManager.open(bed.redis_url, "by-workers") as state:
            events = [event async for event in state.events()]
    times = [seconds(event.at) for event in events]
    board = (tmp_path / "by-workers" / "blackboard.json").read_text(encoding="utf-8")
    times += [seconds(text) for text in _TIMESTAMP.findall(board)]
    assert len(times) > 3 * TASKS
    assert began_s - GRAIN_S < min(times)
    assert max(times) < ended_s + GRAIN_S
    begun = {event.task: seconds(event.at) for event in events if event.kind is EventKind.TASK_STARTED}
    ended = {event.task: seconds(event.at) for event in events if event.kind is EventKind.TASK_COMPLETED}
    assert all(begun[task] <= at for task, at in ended.items() if task in begun)


async def test_workers_are_there_and_of_their_true_age_whatever_their_clocks_and_the_lookers(
    bed: Bed, tmp_path: Path
) -> None:
    """Red where a worker says the time of its machine, or who looks compares with that of its own."""
    bed.model.held = lambda task: True
    async with (
        working_ahead(bed.redis_url, TEN_MINUTES_S, name="ahead"),
        working_ahead(bed.redis_url, -TEN_MINUTES_S, name="behind"),
    ):
        await until_there(bed.redis_url, 2)
        building = [asyncio.create_task(bed.build(f"run-{n}", tmp_path / str(n))) for n in range(2)]
        await bed.model.until_asked("analyst", 2)
        # Both have said what they do by then.
        await asyncio.sleep(1.5 * BEAT_S)
        for looker_ahead_s in (0.0, TEN_MINUTES_S, -TEN_MINUTES_S):
            with wall_clocks.ahead(looker_ahead_s):
                fleet = await look_at_workers(bed.redis_url)
            assert [each.name for each in fleet.workers] == ["ahead", "behind"]
            for worker in fleet.workers:
                assert 0 <= fleet.at - worker.started < LIVES_S
                assert worker.silent_s < LIVES_S / 2
                assert all(0 <= fleet.at - task.since < LIVES_S for task in worker.busy)
            assert sum(len(worker.busy) for worker in fleet.workers) == 2
        bed.model.go.set()
        for build in building:
            assert (await build).failures == ()


async def test_a_worker_with_any_clock_takes_out_who_is_gone_and_nobody_else(bed: Bed) -> None:
    """Red where who is gone is told by the clock of the machine of whoever looks."""
    roster = "agentfactory:workers"
    async with open_redis(bed.redis_url) as connection:
        gone, silent = str(time.time() - TEN_MINUTES_S), str(time.time() - 2 * LIVES_S)
        await connection.command("ZADD", roster, gone, "gone", silent, "silent")
        async with working_ahead(bed.redis_url, TEN_MINUTES_S, name="ahead"):
            await until_there(bed.redis_url, 1)
            assert set(await connection.command("ZRANGE", roster, "0", "-1")) == {b"ahead", b"silent"}
        await connection.command("ZADD", roster, gone, "gone")
        async with working_ahead(bed.redis_url, -TEN_MINUTES_S, name="behind"):
            await until_there(bed.redis_url, 1)
            assert set(await connection.command("ZRANGE", roster, "0", "-1")) == {b"behind", b"silent"}


async def test_a_slot_in_use_looks_abandoned_to_no_machine(bed: Bed) -> None:
    """Red where docket takes, renews or gives slots away by the clocks of the machines."""
    bed.model.held = lambda task: len(bed.model.asked) == 1
    takeover_s = 1.0
    async with (
        a_row(bed) as row,
        working_ahead(
            bed.redis_url, -TEN_MINUTES_S, name="behind", concurrency=1, takeover_s=takeover_s
        ) as behind,
    ):
        await row.put_in(0)
        await bed.model.until_asked("analyst")
        async with working_ahead(bed.redis_url, TEN_MINUTES_S, name="ahead", takeover_s=takeover_s) as ahead:
            await row.put_in(1)
            await row.until_waiting(1)
            # Long enough for what docket does when nobody gives a slot back.
            await asyncio.sleep(2.5 * takeover_s)
            assert row.begun == [0]
            bed.model.go.set()
            await until(lambda: facts(behind).done + facts(ahead).done == 2, "both are done")
        assert bed.model.most_at_once == {"/host/0": 1}


async def test_the_slot_of_one_that_is_gone_comes_free_on_time_by_any_clock(bed: Bed) -> None:
    """Red where docket puts off its own look at slots, or judges them, by the clock of the machine."""
    takeover_s = 1.0
    async with (
        a_row(bed) as row,
        working_ahead(bed.redis_url, -TEN_MINUTES_S, name="behind", takeover_s=takeover_s),
    ):
        await row.client.zadd(row.slots, {"gone": time.time()})
        await row.put_in(0)
        await row.until_waiting(1)
        async with asyncio.timeout(5 * takeover_s):
            while not row.begun:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("user_clock_ahead_s", [TEN_MINUTES_S, -TEN_MINUTES_S])
async def test_a_build_with_any_clock_knows_who_serves_it(
    bed: Bed, tmp_path: Path, user_clock_ahead_s: float
) -> None:
    """Red where a build looks for its workers by its own clock: it would give up, served all the while."""
    bed.model.takes_s = 0.3
    assert bed.workers is not None
    workers = replace(bed.workers, wait_s=1.5)
    async with working(bed.redis_url):
        await until_there(bed.redis_url, 1)
        with wall_clocks.ahead(user_clock_ahead_s):
            build = asyncio.create_task(bed.build("run", tmp_path, workers=workers))
        assert (await build).failures == ()
