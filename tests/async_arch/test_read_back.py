"""Reading back: what lies in Redis as written is not named, and whatever was changed since is."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from async_arch.document_diff import Difference, difference
from async_arch.embedded_redis import embedded_redis
from async_arch.read_back import not_as_written
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import RunKeys
from async_arch.redis_writer import RedisWriter
from async_arch.state_manager import RedisStateManager
from async_arch.stored_document import StoredDocument

KEYS = RunKeys("run")
BEFORE: dict[str, object] = {
    "logs": ["a", "b", "c"],
    "modules": {"Cart": {"spec": "x"}, "Old": {"spec": "y"}},
}
AFTER: dict[str, object] = {
    "info": {"status": "complete"},
    "logs": ["b", "c", "d", "e", "f"],
    "modules": {"Cart": {"spec": "z"}, "Users": {"spec": "w"}},
}


@pytest.fixture
async def connection() -> AsyncIterator[RedisConnection]:
    async with embedded_redis() as server, open_redis(server.url, patience_s=0.3) as opened:
        yield opened


async def _written(connection: RedisConnection) -> Difference:
    async with RedisWriter(connection, KEYS).running() as writer:
        await RedisStateManager(connection, KEYS, writer).begin()
        stored = StoredDocument()
        for document in (BEFORE, AFTER):
            done = difference(stored, document)
            written = await writer.write(done.writes)
            for item, ident in zip(done.appended, written.idents, strict=True):
                item.ident = ident
            stored = done.document
        return done


async def test_what_lies_there_as_written_is_not_named(connection: RedisConnection) -> None:
    done = await _written(connection)
    assert {write.code for write in done.writes} >= {b"N", b"M", b"U", b"F", b"R", b"A"}
    assert await not_as_written(connection, KEYS, done) == []


async def test_everything_that_was_changed_since_is_named(connection: RedisConnection) -> None:
    done = await _written(connection)
    ids = [item.ident.decode() for item in done.appended]
    client = connection.client
    await client.execute_command("XDEL", KEYS["section:logs"], ids[1])
    await client.execute_command("HSET", KEYS["member:modules:Cart"], "spec", '0 "other"')
    await client.execute_command("HDEL", KEYS["section:modules"], "Users")
    await client.execute_command("HSET", KEYS["section:modules"], "Old", '0 "back"')
    await client.execute_command("HSET", KEYS["member:modules:Users"], "more", '0 "field"')
    assert sorted(await not_as_written(connection, KEYS, done)) == [
        "member:modules:Cart spec",
        "member:modules:Users",
        f"section:logs {ids[1]}",
        "section:modules Old",
        "section:modules Users",
    ]


async def test_an_item_that_came_back_is_named(connection: RedisConnection) -> None:
    done = await _written(connection)
    gone = next(write.args[1].decode() for write in done.writes if write.code == b"R")
    last = done.appended[-1].ident.decode()
    stream = KEYS["section:logs"]
    await connection.client.execute_command("DEL", stream)
    await connection.client.execute_command("XADD", stream, gone, "p", "0", "v", '"a"')
    found = await not_as_written(connection, KEYS, done)
    assert f"section:logs {gone}" in found
    assert f"section:logs {last}" in found
