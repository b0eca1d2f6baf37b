"""The writer of a run: what nobody waits for is written in its order, and what keeps it from that is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from async_arch import redis_writer
from async_arch.document_writes import Write, set_hash, task_event
from async_arch.embedded_redis import embedded_redis
from async_arch.lifetime import begin
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import RunKeys
from async_arch.redis_scripts import Script
from async_arch.redis_writer import RedisWriter

KEYS = RunKeys("run")


@dataclass(frozen=True, slots=True)
class _Held(RedisConnection):
    """A connection whose scripts are not sent before `released`."""

    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def script(self, script: Script, key: str, *args: bytes | str) -> Any:
        await self.released.wait()
        # Slots make another class of this one, which `super()` without words does not know.
        return await RedisConnection.script(self, script, key, *args)


@asynccontextmanager
async def _writer() -> AsyncIterator[tuple[RedisConnection, RedisWriter]]:
    async with embedded_redis() as server, open_redis(server.url) as connection:
        await begin(connection, KEYS, 60)
        async with RedisWriter(connection, KEYS).running() as writer:
            yield connection, writer


def _set(value: int) -> Sequence[Write]:
    return [set_hash("files", b"a.py", b"%d" % value)]


async def test_what_is_put_is_written_in_its_order_with_what_is_waited_for() -> None:
    """One that came later and was written first would make the one before look done."""
    async with _writer() as (connection, writer):
        for value in range(700):
            writer.put(lambda value=value: _set(value), size=10)  # type: ignore[misc]
        await writer.write(_set(1000))
        assert await connection.client.hget(KEYS["files"], "a.py") == b"1000"
        writer.put(lambda: _set(1001), size=10)
        await writer.settled()
        assert await connection.client.hget(KEYS["files"], "a.py") == b"1001"


async def test_an_update_is_made_when_its_turn_comes_and_not_before() -> None:
    made: list[int] = []

    def writes() -> Sequence[Write]:
        made.append(1)
        return _set(1)

    async with _writer() as (_, writer):
        writer.put(writes, size=10)
        assert made == []
        await writer.settled()
        assert made == [1]


async def test_the_next_updates_are_made_while_many_are_on_their_way() -> None:
    """Making them takes this process as long as doing them takes Redis."""
    made: list[int] = []

    def put(writer: RedisWriter, value: int) -> None:
        writer.put(lambda: (made.append(value), _set(value))[1], size=10)  # type: ignore[func-returns-value]

    async with embedded_redis() as server, open_redis(server.url) as connection:
        await begin(connection, KEYS, 60)
        held = _Held(connection.client, connection.url)
        async with RedisWriter(held, KEYS).running() as writer:
            for value in range(2000):
                put(writer, value)
            for _ in range(200):
                await asyncio.sleep(0.001)
            # Two trips: one on its way and one made. More would be held twice for nothing.
            assert made == list(range(512))
            held.released.set()
            await writer.settled()
        assert made == list(range(2000))
        assert await connection.client.hget(KEYS["files"], "a.py") == b"1999"


async def test_nobody_waits_for_ever_for_a_writer_that_was_stopped() -> None:
    """Neither for what is on its way, nor for what was made or waits its turn."""
    async with embedded_redis() as server, open_redis(server.url) as connection:
        await begin(connection, KEYS, 60)
        held = _Held(connection.client, connection.url)
        waiting: list[asyncio.Task[Any]] = []

        async def owner() -> None:
            async with RedisWriter(held, KEYS).running() as writer:
                waiting.extend(asyncio.create_task(writer.write(_set(value))) for value in range(600))
                await asyncio.sleep(0.05)
                raise RuntimeError("enough")

        with pytest.raises(RuntimeError, match="enough"):
            await owner()
        async with asyncio.timeout(5):
            ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(each) for each in ended} == {asyncio.CancelledError}


async def test_what_cannot_be_said_fails_alone_and_is_told_by_whatever_is_waited_for_next() -> None:
    def broken() -> Sequence[Write]:
        raise ValueError("no such bytes")

    async with _writer() as (connection, writer):
        writer.put(lambda: _set(1), size=10)
        writer.put(broken, size=10)
        writer.put(lambda: [set_hash("files", b"b.py", b"2")], size=10)
        with pytest.raises(ValueError, match="no such bytes"):
            await writer.settled()
        assert not writer.has_room
        with pytest.raises(ValueError, match="no such bytes"):
            await writer.room()
        with pytest.raises(ValueError, match="no such bytes"):
            await writer.write(_set(3))
        assert await connection.client.hgetall(KEYS["files"]) == {b"a.py": b"1", b"b.py": b"2"}


async def test_whoever_waits_for_room_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """More updates than may wait: nothing is lost, and nobody waits for ever."""
    monkeypatch.setattr(redis_writer, "_MOST_WAITING", 300)
    async with _writer() as (connection, writer):
        written = 0
        async with asyncio.timeout(20):
            while written < 5000:
                if not writer.has_room:
                    await writer.room()
                written += 1
                writer.put(lambda: [task_event(b"TASK_STARTED", b"t", b"developer:A")], size=20)
            await writer.settled()
        assert await connection.client.xlen(KEYS["events"]) == 5000


async def test_an_event_of_a_task_reads_as_any_other() -> None:
    async with _writer() as (connection, writer):
        await writer.write([task_event(b"TASK_STARTED", b"t", b"developer:A")])
        ((_, fields),) = await connection.client.xrange(KEYS["events"])
    assert fields == {b"kind": b"TASK_STARTED", b"at": b"t", b"task": b"developer:A"}
