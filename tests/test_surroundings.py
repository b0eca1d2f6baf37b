"""The Redis of a session: where its data are, for how long, and what is known of a run there."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import open_redis
from async_arch.redis_keys import RunKeys
from harness import surroundings
from harness.errors import SurroundingsError
from harness.record import RunStore
from harness.surroundings import RedisServer, redis_server


async def _write(server: RedisServer, run: str) -> None:
    async with open_redis(server.url) as connection:
        await connection.command("HSET", RunKeys(run)["meta"], "schema", "2")


async def test_what_a_run_needs_is_there_in_a_later_session_and_nothing_else(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.folder("run").mkdir(parents=True)
    async with redis_server("embedded", 1.0, store) as server:
        place = server.place(store)
        server.keeps("run")
        await _write(server, "run")
    assert place.data_dir is not None
    data_dir = store.root / place.data_dir
    async with redis_server("embedded", 1.0, store, data_dir) as server:
        assert server.data_dir == data_dir
        assert (await server.knows("run"), await server.knows("ru")) == (True, False)
    store.folder("run").rmdir()
    async with redis_server("embedded", 1.0, store) as server:
        assert not await server.knows("run")
        assert server.data_dir != data_dir
    assert list((tmp_path / "redis").iterdir()) == [data_dir], "too young to be swept"


async def test_a_server_that_is_going_is_waited_for(tmp_path: Path) -> None:
    """One whose owner was killed a moment ago."""
    async with AsyncExitStack() as going:
        await going.enter_async_context(embedded_redis(data_dir=tmp_path / "data"))
        release = going.pop_all()

        async def go() -> None:
            await asyncio.sleep(0.1)
            await release.aclose()

        leaving = asyncio.create_task(go())
        async with redis_server("embedded", 1.0, RunStore(tmp_path), tmp_path / "data") as server:
            assert not await server.knows("run")
        await leaving


async def test_a_server_that_stays_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "_GOING_S", 0.1)
    async with embedded_redis(data_dir=tmp_path / "data"):
        with pytest.raises(SurroundingsError, match="is in use by another embedded Redis"):
            async with redis_server("embedded", 1.0, RunStore(tmp_path), tmp_path / "data"):
                pass


async def test_the_patience_is_that_for_the_kind_of_server(tmp_path: Path) -> None:
    """A server of ours that has gone does not come back; one at a URL may."""
    store = RunStore(tmp_path)
    async with redis_server("embedded", 77.0, store) as own:
        assert own.patience_s < 10
        async with redis_server(own.url, 77.0, store) as other:
            assert other.patience_s == 77.0
            assert other.place(store).model_dump() == {
                "server": own.url,
                "url": own.url,
                "needs_password": False,
                "data_dir": None,
            }
