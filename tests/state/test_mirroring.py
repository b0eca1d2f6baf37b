"""The commands of the mirror on what a person names: names that are kept, files that are gone."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys
from async_arch.state_manager import RedisStateManager
from harness.errors import BadInputError, SurroundingsError
from harness.state.backfill import BackfillOutcome
from harness.state.board import board_text
from harness.state.follow import FollowSettings
from harness.state.mirroring import (
    MirrorPlace,
    backfill_projects,
    export_run,
    follow_projects,
    repair_project,
    verify_projects,
)
from harness.state.project import project_at
from harness.state.repair import Side
from harness.state.verify import Standing
from tests.state.following import Following
from tests.state.projects import BOARD, opened, with_status, write
from tests.state.test_backfill import Told


@pytest.fixture
def place(tmp_path: Path) -> MirrorPlace:
    return MirrorPlace("embedded", tmp_path / "store")


async def test_a_name_is_given_once(tmp_path: Path, place: MirrorPlace) -> None:
    """Whatever is done with the project afterwards is done under it."""
    path = write(tmp_path / "shop")
    await backfill_projects(place, [tmp_path / "shop"], "my-shop", Told())
    [again] = await backfill_projects(place, [tmp_path / "shop"], None, Told())
    assert (again.run, again.outcome) == ("my-shop", BackfillOutcome.SKIPPED)
    [found] = await verify_projects(place, [path], None)
    assert (found.run, found.standing) == ("my-shop", Standing.EQUAL)
    write(tmp_path / "shop", with_status("complete"))
    done = await repair_project(place, tmp_path / "shop", None, Side.REDIS, dry_run=False)
    assert done.exit_code == 0
    exported = await export_run(place, str(tmp_path / "shop"), None, None, force=False)
    assert (exported.run, exported.path, exported.written) == ("my-shop", str(path), False)
    settings, told = FollowSettings(for_s=0.3), Following()
    [summary] = await follow_projects(place, [tmp_path / "shop"], None, settings, asyncio.Event(), told)
    assert (summary.run, summary.caught_up) == ("my-shop", True)


async def test_all_mirrors_are_verified_also_those_whose_files_are_gone(
    tmp_path: Path, place: MirrorPlace
) -> None:
    for name in "abc":
        write(tmp_path / name)
    await backfill_projects(place, [tmp_path / name for name in "abc"], None, Told())
    shutil.rmtree(tmp_path / "b")
    (tmp_path / "c" / "blackboard.json").unlink()
    found = await verify_projects(place, [], None)
    assert [each.standing for each in found] == [Standing.EQUAL, Standing.NO_FILE, Standing.NO_FILE]
    named = await verify_projects(place, [tmp_path / "b", tmp_path / "c"], None)
    assert [each.standing for each in named] == [Standing.NO_FILE, Standing.NO_FILE]
    assert len(await verify_projects(place, [tmp_path], None)) == 2
    # And each comes back where it was.
    await repair_project(place, tmp_path / "c", None, Side.REDIS, dry_run=False)
    assert (tmp_path / "c" / "blackboard.json").read_bytes() == board_text(BOARD)


async def test_a_mirror_that_is_gone_has_lapsed_or_is_missed(tmp_path: Path, place: MirrorPlace) -> None:
    for name in "ab":
        write(tmp_path / name)
    await backfill_projects(MirrorPlace("embedded", place.store, keep_days=1), [tmp_path / "a"], None, Told())
    await backfill_projects(place, [tmp_path / "b"], None, Told())

    async def lose(connection: RedisConnection) -> None:
        for key in [key async for key in connection.client.scan_iter("agentfactory:{*")]:
            await connection.command("DEL", key)

    async with opened(place.store) as redis:
        await redis.ask(lose)
    found = await verify_projects(place, [], None)
    assert [each.standing for each in found] == [Standing.LAPSED, Standing.NOT_IN_REDIS]
    assert [each.exit_code for each in found] == [0, 1]


async def test_keep_days_is_how_long_keys_stay(tmp_path: Path) -> None:
    write(tmp_path / "shop")
    place = MirrorPlace("embedded", tmp_path / "store", keep_days=2.5)
    await backfill_projects(place, [tmp_path / "shop"], None, Told())
    key = RunKeys(project_at(tmp_path / "shop").run)["meta"]
    async with opened(place.store) as redis:
        left_s = await redis.ask(lambda connection: connection.command("TTL", key))
    assert 2.4 * 86400 < left_s <= 2.5 * 86400


async def test_any_run_is_exported_by_its_id(
    tmp_path: Path, place: MirrorPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def begin(connection: RedisConnection) -> None:
        async with RedisStateManager.on(connection, "engine-run") as state:
            await state.begin()

    async with opened(place.store) as redis:
        await redis.ask(begin)
    done = await export_run(place, "engine-run", None, None, force=False)
    assert (done.path, (tmp_path / "blackboard.json").read_bytes()) == ("blackboard.json", b"{}\n")
    with pytest.raises(SurroundingsError, match="has no document"):
        await export_run(place, "another", None, None, force=False)


async def test_what_cannot_be_followed_is_refused_before_anything_is_begun(
    tmp_path: Path, place: MirrorPlace
) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b")
    for paths, name, words in (
        ([tmp_path / "nowhere"], None, "no such file or folder"),
        ([tmp_path / "a", tmp_path / "a" / "blackboard.json"], None, "is there twice"),
        ([tmp_path / "a", tmp_path / "b"], "one", "is one name"),
    ):
        with pytest.raises(BadInputError, match=words):
            await follow_projects(place, paths, name, FollowSettings(), asyncio.Event(), Following())
    assert not place.store.exists()


async def test_a_project_that_never_was_is_not_repaired_or_exported(
    tmp_path: Path, place: MirrorPlace
) -> None:
    for source in Side:
        with pytest.raises(BadInputError, match="no mirror of it"):
            await repair_project(place, tmp_path / "nowhere", None, source, dry_run=False)
    with pytest.raises(BadInputError, match="no mirror of it"):
        await export_run(place, str(tmp_path / "nowhere"), None, None, force=False)
