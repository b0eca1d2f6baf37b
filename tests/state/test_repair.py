"""Repairing: either side is made equal to the other, and nothing that was there is lost."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import pytest

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys
from async_arch.state_manager import RedisStateManager
from harness.errors import BadInputError, SurroundingsError
from harness.state.backfill import BackfillOutcome, backfill
from harness.state.board import BoardBroken, BoardMissing, board_text
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project, project_at
from harness.state.repair import Side, repair
from harness.state.replaced import Replaced
from harness.state.verify import Standing, verify
from tests.state.projects import BOARD, board, opened, spoil, stored, with_status, write
from tests.state.test_backfill import Told

SPOILT = board(logs=["spoilt"])


async def drifted(redis: MirrorRedis, folder: Path) -> Project:
    """A project whose mirror is another document."""
    write(folder)
    project = project_at(folder)
    await backfill([project], redis, Told())
    await spoil(redis, project, SPOILT)
    return project


async def is_equal(redis: MirrorRedis, project: Project) -> bool:
    [found] = await verify([project], redis, settle_s=0.0)
    return found.standing is Standing.EQUAL


async def test_redis_is_made_equal_to_the_file(tmp_path: Path) -> None:
    store = tmp_path / "store"
    async with opened(store) as redis:
        project = await drifted(redis, tmp_path / "shop")
        done = await repair(project, redis, Side.JSON, Replaced(store))
        assert await stored(redis, project.run) == BOARD
        assert await is_equal(redis, project)
    assert done.kept is not None
    assert Path(done.kept).read_bytes() == board_text(SPOILT)
    assert Path(done.kept).parent == store / "replaced"
    assert done.before.standing is Standing.DRIFT
    assert done.exit_code == 0


async def test_the_file_is_made_equal_to_redis(tmp_path: Path) -> None:
    store = tmp_path / "store"
    path = tmp_path / "shop" / "blackboard.json"
    async with opened(store) as redis:
        project = await drifted(redis, tmp_path / "shop")
        path.chmod(0o640)
        before = path.read_bytes()
        done = await repair(project, redis, Side.REDIS, Replaced(store))
        assert await is_equal(redis, project)
        # That file is the mirrored one now.
        [again] = await backfill([project], redis, Told())
        assert again.outcome is BackfillOutcome.SKIPPED
    assert path.read_bytes() == board_text(SPOILT)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in path.parent.iterdir()] == ["blackboard.json"]
    assert done.kept is not None
    assert Path(done.kept).read_bytes() == before


async def test_a_file_that_is_broken_or_gone_comes_back_from_redis(tmp_path: Path) -> None:
    store = tmp_path / "store"
    path = tmp_path / "shop" / ".factory" / "blackboard.json"
    async with opened(store) as redis:
        write(tmp_path / "shop", place=".factory/blackboard.json")
        project = project_at(tmp_path / "shop")
        await backfill([project], redis, Told())
        path.write_bytes(board_text(BOARD)[:500])
        done = await repair(project, redis, Side.REDIS, Replaced(store))
        assert path.read_bytes() == board_text(BOARD)
        assert Path(done.kept or "").read_bytes() == board_text(BOARD)[:500]
        path.unlink()
        done = await repair(project, redis, Side.REDIS, Replaced(store))
        assert path.read_bytes() == board_text(BOARD)
        assert done.kept is None
        assert done.exit_code == 0


@pytest.mark.parametrize("source", Side)
async def test_a_rehearsal_changes_nothing(tmp_path: Path, source: Side) -> None:
    store = tmp_path / "store"
    path = tmp_path / "shop" / "blackboard.json"
    async with opened(store) as redis:
        project = await drifted(redis, tmp_path / "shop")
        done = await repair(project, redis, source, Replaced(store), dry_run=True)
        assert await stored(redis, project.run) == SPOILT
    assert path.read_bytes() == board_text(BOARD)
    assert not (store / "replaced").exists()
    assert done.after is None
    assert done.exit_code == 1
    assert done.target == (str(path) if source is Side.REDIS else f"run {project.run} in Redis")


@pytest.mark.parametrize("source", Side)
async def test_what_is_equal_is_left_alone(tmp_path: Path, source: Side) -> None:
    store = tmp_path / "store"
    async with opened(store) as redis:
        project = await drifted(redis, tmp_path / "shop")
        await spoil(redis, project, BOARD)
        about = (tmp_path / "shop" / "blackboard.json").stat()
        done = await repair(project, redis, source, Replaced(store))
    assert (tmp_path / "shop" / "blackboard.json").stat() == about
    assert not (store / "replaced").exists()
    assert (done.kept, done.exit_code) == (None, 0)


async def test_what_is_not_in_redis_yet_gets_there(tmp_path: Path) -> None:
    store = tmp_path / "store"
    write(tmp_path / "shop")
    project = project_at(tmp_path / "shop")
    async with opened(store) as redis:
        with pytest.raises(SurroundingsError, match="has no document"):
            await repair(project, redis, Side.REDIS, Replaced(store))
        done = await repair(project, redis, Side.JSON, Replaced(store))
        assert await stored(redis, project.run) == BOARD
    assert (done.kept, done.exit_code) == (None, 0)


async def test_from_what_is_no_document_nothing_is_repaired(tmp_path: Path) -> None:
    store = tmp_path / "store"
    async with opened(store) as redis:
        project = await drifted(redis, tmp_path / "shop")
        path = write(tmp_path / "shop", "{")
        with pytest.raises(BoardBroken):
            await repair(project, redis, Side.JSON, Replaced(store))
        path.unlink()
        with pytest.raises(BoardMissing):
            await repair(project, redis, Side.JSON, Replaced(store))
        assert await stored(redis, project.run) == SPOILT
    assert not (store / "replaced").exists()


@pytest.mark.parametrize(
    "command",
    [("HSET", "sections", "logs", "garbage"), ("SET", "section:logs", "a string"), ("SET", "sections", "x")],
)
async def test_what_nothing_can_read_in_redis_is_kept_key_by_key(
    tmp_path: Path, command: tuple[str, str, str]
) -> None:
    store = tmp_path / "store"
    verb, suffix, *rest = command
    async with opened(store) as redis:
        project = await drifted(redis, tmp_path / "shop")
        keys = RunKeys(project.run)
        await redis.ask(lambda connection: connection.command(verb, keys[suffix], *rest))
        with pytest.raises(SurroundingsError, match="is no document"):
            await repair(project, redis, Side.REDIS, Replaced(store))
        done = await repair(project, redis, Side.JSON, Replaced(store))
        assert done.before.standing is Standing.BROKEN_IN_REDIS
        assert done.exit_code == 0
        assert await stored(redis, project.run) == BOARD
        dump = json.loads(Path(done.kept or "").read_bytes())
        assert set(dump) >= {keys[suffix], keys["meta"], keys["member:modules:Cart"]}

        async def restored(connection: RedisConnection) -> bytes:
            await connection.command("RESTORE", "copy", "0", b64decode(dump[keys["member:modules:Cart"]]))
            value: bytes = await connection.command("HGET", "copy", "filename")
            return value

        assert b"cart.py" in await redis.ask(restored)


async def test_keys_of_other_runs_are_left_alone(tmp_path: Path) -> None:
    """Also of those whose names a pattern of this one's name would fit."""
    store = tmp_path / "store"
    async with opened(store) as redis:
        write(tmp_path / "one")
        write(tmp_path / "other")
        one, other = project_at(tmp_path / "one", "shop.1"), project_at(tmp_path / "other", "shop.11")
        await backfill([one, other], redis, Told())
        await redis.ask(lambda connection: connection.command("SET", RunKeys(one.run)["sections"], "x"))
        await repair(one, redis, Side.JSON, Replaced(store))
        assert await is_equal(redis, one)
        assert await is_equal(redis, other)


async def test_the_run_of_an_engine_is_never_overwritten(tmp_path: Path) -> None:
    store = tmp_path / "store"
    write(tmp_path / "shop")

    async def begin(connection: RedisConnection) -> None:
        async with RedisStateManager.on(connection, "engine") as state:
            await state.begin()

    async with opened(store) as redis:
        await redis.ask(begin)
        project = project_at(tmp_path / "shop", "engine")
        with pytest.raises(BadInputError, match="is the run of an engine"):
            await repair(project, redis, Side.JSON, Replaced(store))
        assert await stored(redis, "engine") == {}
        # Not even what nothing can read is taken for something of ours.
        await redis.ask(lambda connection: connection.command("SET", RunKeys("engine")["sections"], "x"))
        with pytest.raises(BadInputError, match="is the run of an engine"):
            await repair(project, redis, Side.JSON, Replaced(store))
    assert not (store / "replaced").exists()


def test_what_was_kept_is_never_written_again(tmp_path: Path) -> None:
    replaced = Replaced(tmp_path)
    kept = [replaced.keep("../a run", b"%d" % number) for number in range(5)]
    assert len(set(kept)) == 5
    assert [path.read_bytes() for path in kept] == [b"%d" % number for number in range(5)]
    assert {path.parent for path in kept} == {tmp_path / "replaced"}


def test_where_nothing_can_be_kept_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "replaced").write_text("a file")
    with pytest.raises(SurroundingsError, match="cannot be written"):
        Replaced(tmp_path).keep("run", b"")


async def test_a_file_that_cannot_be_kept_is_not_overwritten(tmp_path: Path) -> None:
    store = tmp_path / "store"
    async with opened(store) as redis:
        project = await drifted(redis, tmp_path / "shop")
        (store / "replaced").write_text("a file")
        for source in Side:
            with pytest.raises(SurroundingsError, match="cannot be written"):
                await repair(project, redis, source, Replaced(store))
        assert await stored(redis, project.run) == SPOILT
    assert (tmp_path / "shop" / "blackboard.json").read_bytes() == board_text(BOARD)


async def test_a_file_that_somebody_else_writes_just_then_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    keep = Replaced.keep

    def kept_too_late(self: Replaced, run: str, content: bytes, suffix: str = ".json") -> Path:
        path = keep(self, run, content, suffix)
        write(tmp_path / "shop", with_status("complete"))
        return path

    async with opened(store) as redis:
        project = await drifted(redis, tmp_path / "shop")
        monkeypatch.setattr(Replaced, "keep", kept_too_late)
        with pytest.raises(BadInputError, match="is being rewritten"):
            await repair(project, redis, Side.REDIS, Replaced(store))
    shop = tmp_path / "shop"
    assert (shop / "blackboard.json").read_bytes() == board_text(with_status("complete"))
    assert [entry.name for entry in shop.iterdir()] == ["blackboard.json"]
