"""The clock of Redis, as a machine reckons it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.workers.server_clock import ServerClock, _Look, _look, server_time

LATE_S = 0.8
NEAR_S = 0.15
"""On a busy machine."""


@dataclass
class OwnClock:
    """A clock of ours that shows anything."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@pytest_asyncio.fixture
async def connection() -> AsyncIterator[RedisConnection]:
    async with embedded_redis() as server, open_redis(server.url) as connection:
        yield connection


@pytest.mark.parametrize("ahead_s", [0.0, 600.0, -600.0])
async def test_it_tells_the_time_of_the_server_whatever_our_own_shows(
    connection: RedisConnection, ahead_s: float
) -> None:
    """Red where what our clock shows is told."""
    clock = await ServerClock.read(connection, OwnClock(ahead_s))
    assert clock.now() == pytest.approx(await server_time(connection), abs=NEAR_S)
    assert await server_time(connection) == pytest.approx(time.time(), abs=NEAR_S)


async def late_look(connection: RedisConnection) -> _Look:
    """What is seen by one look whose answer is late, as the server is held up before it reads its clock."""
    await connection.command("CLIENT", "PAUSE", str(int(LATE_S * 1000)), "ALL")
    return await _look(connection, time.monotonic)


async def test_half_of_the_time_that_an_answer_took_is_taken_to_lie_behind_it(
    connection: RedisConnection,
) -> None:
    """Red where the server's time counts as that of the question, or of the answer."""
    look = await late_look(connection)
    assert look.error_s == pytest.approx(LATE_S / 2, abs=NEAR_S)
    # It was read at the end, and is taken to be of the middle.
    wrong_s = look.server_at(time.monotonic()) - await server_time(connection)
    assert wrong_s == pytest.approx(LATE_S / 2, abs=NEAR_S)


async def test_a_look_that_took_long_does_not_replace_a_better_one(connection: RedisConnection) -> None:
    """Red where the last look counts, however long its answer took."""
    clock = await ServerClock.read(connection)
    await connection.command("CLIENT", "PAUSE", str(int(LATE_S * 1000)), "ALL")
    await clock.look()
    assert clock.now() == pytest.approx(await server_time(connection), abs=NEAR_S)


@pytest.mark.parametrize("ahead_s", [600.0, -600.0], ids=["back", "forward"])
async def test_a_clock_that_was_set_is_followed_from_the_next_look_on(
    connection: RedisConnection, ahead_s: float
) -> None:
    """Red where a server's clock that was set, or another server, is not noticed, or told times are kept."""
    own = OwnClock()
    clock = await ServerClock.read(connection, own)
    # To us it is one: ours has gone on, and the server's has not, or the other way round.
    own.ahead_s = ahead_s
    clock.now()
    await clock.look()
    for _ in range(2):
        assert clock.now() == pytest.approx(await server_time(connection), abs=NEAR_S)
        await asyncio.sleep(3 * NEAR_S)


async def test_what_was_told_is_not_told_again_as_earlier(connection: RedisConnection) -> None:
    """Red where a better look sets back what was told before."""
    clock = ServerClock(connection, await late_look(connection), time.monotonic)
    told = clock.now()
    await clock.look()
    assert told <= clock.now() < told + LATE_S / 4
