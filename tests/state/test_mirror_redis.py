"""The Redis with the mirrors: one server for all commands on a store, and it outlives whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import RedisConnection
from async_arch.state_store import StateUnavailable
from harness.errors import BadInputError, SurroundingsError
from harness.record import RunStore
from harness.record.redis_folders import RedisFolders
from harness.state import mirror_redis
from harness.state.mirror_redis import MirrorRedis


async def _set(connection: RedisConnection) -> None:
    await connection.command("SET", "key", "value")


async def _get(connection: RedisConnection) -> bytes | None:
    value: bytes | None = await connection.command("GET", "key")
    return value


async def _pid(connection: RedisConnection) -> int:
    info: bytes = await connection.command("INFO", "server")
    return int(info.split(b"process_id:")[1].split()[0]) if isinstance(info, bytes) else info["process_id"]


def _url_file(store: Path) -> Path:
    return store / "redis" / "mirror" / "server-url"


async def test_what_is_in_it_is_there_the_next_time(tmp_path: Path) -> None:
    async with MirrorRedis.open("embedded", tmp_path) as redis:
        await redis.ask(_set)
    assert not _url_file(tmp_path).exists()
    async with MirrorRedis.open("embedded", tmp_path) as redis:
        assert await redis.ask(_get) == b"value"


async def test_who_comes_meanwhile_joins(tmp_path: Path) -> None:
    async with (
        MirrorRedis.open("embedded", tmp_path) as first,
        MirrorRedis.open("embedded", tmp_path) as second,
    ):
        await first.ask(_set)
        assert await second.ask(_get) == b"value"
        assert await first.ask(_pid) == await second.ask(_pid)


async def test_many_that_come_at_once_share_one_server(tmp_path: Path) -> None:
    async def pid() -> int:
        async with MirrorRedis.open("embedded", tmp_path) as redis:
            found = await redis.ask(_pid)
            came.set()
            await everybody.wait()
            return found

    came, everybody = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pid()) for _ in range(4)]
        await came.wait()
        await asyncio.sleep(0.3)
        everybody.set()
    assert len({task.result() for task in tasks}) == 1


async def test_who_joined_goes_on_when_the_one_that_started_it_ends(tmp_path: Path) -> None:
    """`verify` may have started the server, and `follow` may have joined it."""
    async with asyncio.TaskGroup() as group:
        end = asyncio.Event()
        started = asyncio.Event()

        async def first() -> None:
            async with MirrorRedis.open("embedded", tmp_path) as redis:
                await redis.ask(_set)
                started.set()
                await end.wait()

        task = group.create_task(first())
        await started.wait()
        async with MirrorRedis.open("embedded", tmp_path) as second:
            before = await second.ask(_pid)
            end.set()
            await task
            values = await asyncio.gather(*(second.ask(_get) for _ in range(5)))
            assert values == [b"value"] * 5
            assert await second.ask(_pid) != before
            async with MirrorRedis.open("embedded", tmp_path) as third:
                assert await third.ask(_pid) == await second.ask(_pid)


@pytest.mark.filterwarnings("ignore")
async def test_a_server_that_is_killed_is_started_again(tmp_path: Path) -> None:
    async with MirrorRedis.open("embedded", tmp_path) as redis:
        await redis.ask(_set)
        await redis.ask(lambda connection: connection.command("WAITAOF", "1", "0", "1000"))
        os.kill(await redis.ask(_pid), signal.SIGKILL)
        assert await redis.ask(_get) == b"value"


async def test_the_url_that_a_killed_owner_left_leads_nobody_astray(tmp_path: Path) -> None:
    _url_file(tmp_path).parent.mkdir(parents=True)
    _url_file(tmp_path).write_text(f"unix://{tmp_path}/gone")
    async with (
        MirrorRedis.open("embedded", tmp_path) as first,
        MirrorRedis.open("embedded", tmp_path) as second,
    ):
        assert await first.ask(_pid) == await second.ask(_pid)


async def test_data_that_somebody_else_holds_is_an_error_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_redis, "_START_S", 0.2)
    _url_file(tmp_path).parent.mkdir(parents=True)
    _url_file(tmp_path).write_text(f"unix://{tmp_path}/gone")
    async with embedded_redis(data_dir=tmp_path / "redis" / "mirror"):
        with pytest.raises(SurroundingsError, match="is in use by another embedded Redis"):
            async with MirrorRedis.open("embedded", tmp_path):
                pass


async def test_a_session_that_tidies_up_leaves_the_mirror_alone(tmp_path: Path) -> None:
    async with MirrorRedis.open("embedded", tmp_path) as redis:
        await redis.ask(_set)
    for path in (tmp_path / "redis" / "mirror", *(tmp_path / "redis" / "mirror").rglob("*")):
        os.utime(path, (1, 1))
    folders = RedisFolders(RunStore(tmp_path))
    folders.drop(folders.new(datetime.now(UTC)))
    folders.sweep()
    async with MirrorRedis.open("embedded", tmp_path) as redis:
        assert await redis.ask(_get) == b"value"


async def test_a_server_at_a_url_is_not_waited_for_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SurroundingsError, match="no answer") as refused:
        async with MirrorRedis.open("redis://user:secret@127.0.0.1:1/0", tmp_path):
            pass
    assert "secret" not in str(refused.value)
    assert not (tmp_path / "redis").exists()


@pytest.mark.parametrize("choice", ["", "ftp://x", "redis://:pa/secret@host", "Embedded"])
async def test_what_is_no_server_is_one_clear_line(tmp_path: Path, choice: str) -> None:
    with pytest.raises(BadInputError, match="--redis") as refused:
        async with MirrorRedis.open(choice, tmp_path):
            pass
    assert "secret" not in str(refused.value)
    assert "pa" not in str(refused.value)


async def test_a_server_at_a_url_that_is_lost_is_said_and_not_started(tmp_path: Path) -> None:
    async def lose_it(url: str) -> None:
        async with MirrorRedis.open(url, tmp_path, patience_s=0.1) as redis:
            await redis.ask(_shut_down)
            await redis.ask(_get)

    async with embedded_redis() as server:
        with pytest.raises(SurroundingsError, match="no answer"):
            await lose_it(server.url)
    assert not (tmp_path / "redis").exists()


async def _shut_down(connection: RedisConnection) -> None:
    os.kill(await _pid(connection), signal.SIGTERM)
    await asyncio.sleep(0.2)


async def test_a_server_that_refuses_is_not_taken_for_one_that_has_gone(tmp_path: Path) -> None:
    """Others are using it."""
    async with MirrorRedis.open("embedded", tmp_path) as redis:
        await redis.ask(_set)
        before = await redis.ask(_pid)
        with pytest.raises(StateUnavailable, match="refuses"):
            await redis.ask(lambda connection: connection.command("LPUSH", "key", "item"))
        assert await redis.ask(_pid) == before
