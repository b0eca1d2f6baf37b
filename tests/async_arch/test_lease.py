"""Leases: one process works on a run, a dead one's lease is taken over, and a late writer is fenced off."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from agents.blackboard import ProjectInfo, ProjectStatus
from agents.build import EventKind, TaskEvent
from async_arch.embedded_redis import embedded_redis
from async_arch.lease import RunHeld, held_lease, holder_of
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import RunKeys
from async_arch.redis_writer import LeaseLost
from async_arch.state_manager import RedisStateManager

INFO = ProjectInfo("a shop", "2026-01-01T00:00:00", ProjectStatus.BUILDING)
EVENT = TaskEvent(EventKind.TASK_STARTED, "t1", "developer:Cart")
LEASE = RunKeys("run")["lease"]

HOLDER = """
import asyncio, sys
from async_arch.lease import held_lease
from async_arch.redis_client import open_redis

async def main():
    async with open_redis(sys.argv[1]) as connection, held_lease(connection, "run", lifetime_s=60):
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@asynccontextmanager
async def _server() -> AsyncIterator[RedisConnection]:
    async with embedded_redis() as server, open_redis(server.url, patience_s=0.3) as connection:
        yield connection


async def test_a_second_one_is_turned_away_while_the_first_lives() -> None:
    async with _server() as connection, held_lease(connection, "run", lifetime_s=1.5):
        began = time.monotonic()
        with pytest.raises(RunHeld, match=f"run run is worked on by process {os.getpid()} on "):
            async with held_lease(connection, "run", lifetime_s=1.5):
                pass
        assert time.monotonic() - began >= 0.5
        assert await holder_of(connection, "run") is not None


async def test_a_lease_that_was_returned_is_free_at_once() -> None:
    async with _server() as connection:
        async with held_lease(connection, "run", lifetime_s=60) as first:
            pass
        assert await holder_of(connection, "run") is None
        async with asyncio.timeout(20), held_lease(connection, "run", lifetime_s=60) as second:
            pass
    assert int(second) > int(first)


async def test_nothing_of_its_renewal_is_left_when_it_has_been_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However slowly its thread gets on: a connection that is still open then looks like a leak."""
    closed = threading.Event()
    close = redis.Redis.close

    def close_slowly(client: redis.Redis) -> None:
        time.sleep(0.2)
        close(client)
        closed.set()

    monkeypatch.setattr(redis.Redis, "close", close_slowly)
    async with _server() as connection:
        async with held_lease(connection, "run", lifetime_s=0.15):
            await asyncio.sleep(0.1)
        assert closed.is_set()


async def test_the_lease_of_a_process_that_was_killed_here_is_taken_over_at_once() -> None:
    async with _server() as connection:
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLDER, connection.url, stdout=asyncio.subprocess.PIPE
        )
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"held\n"
        holder.kill()
        await holder.communicate()
        assert await holder_of(connection, "run") is None
        async with asyncio.timeout(20), held_lease(connection, "run", lifetime_s=60):
            pass


async def test_the_lease_of_an_owner_elsewhere_lapses_with_its_lifetime() -> None:
    """Nobody here can see whether a process on another machine lives: only its renewals tell."""
    async with _server() as connection:
        async with held_lease(connection, "run", lifetime_s=60):
            owner = json.loads(await connection.command("GET", LEASE))
        elsewhere = json.dumps({**owner, "host": "another", "machine": "far"})
        await connection.client.set(LEASE, elsewhere, px=400)
        began = time.monotonic()
        async with held_lease(connection, "run", lifetime_s=60):
            assert 0.3 <= time.monotonic() - began < 5


async def test_an_owner_whose_number_another_process_has_now_is_dead() -> None:
    async with _server() as connection:
        async with held_lease(connection, "run", lifetime_s=60):
            owner = json.loads(await connection.command("GET", LEASE))
        await connection.client.set(LEASE, json.dumps({**owner, "started": "1"}), px=60_000)
        assert await holder_of(connection, "run") is None


async def test_whoever_lost_the_run_writes_nothing_more() -> None:
    async with (
        _server() as connection,
        held_lease(connection, "run", lifetime_s=60) as token,
        RedisStateManager.on(connection, "run", token) as state,
    ):
        await state.create(INFO)
        await connection.client.delete(LEASE)
        async with held_lease(connection, "run", lifetime_s=60) as later:
            await state.announce(EVENT)
            with pytest.raises(LeaseLost, match="taken over"):
                await state.settled()
            async with RedisStateManager.on(connection, "run", later) as other:
                await other.announce(EVENT)
                await other.settled()
        assert await connection.client.xlen(RunKeys("run")["events"]) == 1


async def test_a_lease_is_renewed_while_the_loop_stands_still() -> None:
    async with _server() as connection, held_lease(connection, "run", lifetime_s=1.5):
        time.sleep(2.5)  # noqa: ASYNC251  a blocking client does that
        assert await connection.client.pttl(LEASE) > 0


async def test_returning_does_not_drop_the_lease_of_who_came_later() -> None:
    async with _server() as connection:
        async with held_lease(connection, "run", lifetime_s=60):
            await connection.client.delete(LEASE)
            later = held_lease(connection, "run", lifetime_s=60)
            await later.__aenter__()
        assert await connection.client.exists(LEASE)
        await later.__aexit__(None, None, None)
