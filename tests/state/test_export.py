"""Exporting: the bytes that the legacy engine would write, and nothing overwritten unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.blackboard import Entry, ProjectInfo, ProjectStatus, Section
from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys
from async_arch.state_manager import RedisStateManager
from harness.errors import BadInputError, SurroundingsError
from harness.state.backfill import backfill
from harness.state.board import board_text
from harness.state.export import export
from harness.state.project import project_at
from harness.state.replaced import Replaced
from legacy.json_blackboard import JsonBlackboard
from tests.state.projects import BOARD, opened, write
from tests.state.test_backfill import Told

INFO = ProjectInfo("Größe 店", "2026-01-01T00:00:00", ProjectStatus.BUILDING)
ENTRIES = [
    Entry(Section.LOGS, (1, 0), "", {"level": "info", "message": "begun \u2028 «»"}),
    Entry(Section.API_REGISTRY, (2, 0), "Cart", {"functions": ["add"], "routes": []}),
    Entry(Section.FILES_CREATED, (2, 1), "", "cart.py"),
]


async def test_a_mirror_is_exported_byte_for_byte(tmp_path: Path) -> None:
    store = tmp_path / "store"
    path = tmp_path / "shop" / "blackboard.json"
    path.parent.mkdir()
    JsonBlackboard(path, INFO).add(ENTRIES)
    project = project_at(tmp_path / "shop")
    async with opened(store) as redis:
        await backfill([project], redis, Told())
        output = tmp_path / "exported.json"
        done = await export(project.run, output, redis, Replaced(store))
    assert output.read_bytes() == path.read_bytes()
    assert (done.written, done.kept, done.size) == (True, None, path.stat().st_size)


async def test_the_run_of_an_engine_is_exported_too(tmp_path: Path) -> None:
    store = tmp_path / "store"
    legacy = tmp_path / "legacy.json"
    JsonBlackboard(legacy, INFO).add(ENTRIES)

    async def build(connection: RedisConnection) -> None:
        async with RedisStateManager.on(connection, "20260101-shop-async-1") as state:
            await state.create(INFO)
            await state.add(ENTRIES)

    async with opened(store) as redis:
        await redis.ask(build)
        await export("20260101-shop-async-1", tmp_path / "out.json", redis, Replaced(store))
    assert (tmp_path / "out.json").read_bytes() == legacy.read_bytes()


async def test_another_file_is_only_overwritten_by_force_and_kept(tmp_path: Path) -> None:
    store = tmp_path / "store"
    path = write(tmp_path / "shop")
    project = project_at(tmp_path / "shop")
    async with opened(store) as redis:
        await backfill([project], redis, Told())
        same = await export(project.run, path, redis, Replaced(store))
        assert not same.written
        path.write_text("another")
        with pytest.raises(BadInputError, match="--force"):
            await export(project.run, path, redis, Replaced(store))
        assert path.read_text() == "another"
        done = await export(project.run, path, redis, Replaced(store), force=True)
    assert path.read_bytes() == board_text(BOARD)
    assert Path(done.kept or "").read_text() == "another"


async def test_what_is_not_in_redis_or_no_document_is_one_clear_line(tmp_path: Path) -> None:
    store = tmp_path / "store"
    write(tmp_path / "shop")
    project = project_at(tmp_path / "shop")
    async with opened(store) as redis:
        with pytest.raises(SurroundingsError, match="run nobody has no document"):
            await export("nobody", tmp_path / "out.json", redis, Replaced(store))
        await backfill([project], redis, Told())
        keys = RunKeys(project.run)
        await redis.ask(lambda connection: connection.command("HSET", keys["sections"], "logs", "x"))
        with pytest.raises(SurroundingsError, match="is no document"):
            await export(project.run, tmp_path / "out.json", redis, Replaced(store))
        await redis.ask(lambda connection: connection.command("DEL", keys["sections"]))
        with pytest.raises(SurroundingsError, match="cannot be written"):
            await export(project.run, tmp_path / "nowhere" / "out.json", redis, Replaced(store))
    assert not (tmp_path / "out.json").exists()
