"""The writer of a run: what nobody waits for is written in its order, and what keeps it from that is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from async_arch import redis_writer
from async_arch.document_writes import Write, set_hash, task_event
from async_arch.embedded_redis import embedded_redis
from async_arch.lifetime import begin
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import RunKeys
from async_arch.redis_writer import RedisWriter

KEYS = RunKeys("run")


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
