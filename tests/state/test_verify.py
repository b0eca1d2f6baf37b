"""Verifying: a seeded drift is found with path and both values, and no drift is never reported."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import FOR_EVER, RunKeys
from async_arch.stored_document import digest, dumped
from harness.state.backfill import backfill
from harness.state.drift import MISSING, Drift, DriftKind
from harness.state.exit_code import worst_exit_code
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project, project_at
from harness.state.verify import Standing, Verification, verify
from tests.async_arch.documents import changed, documents
from tests.state.following import following
from tests.state.projects import BOARD, board, opened, spoil, with_status, write
from tests.state.test_backfill import Told

OLD_S = 3600.0


def aged(path: Path) -> None:
    """Let the file stand still for long."""
    then = time.time() - OLD_S
    os.utime(path, (then, then))


async def mirrored(redis: MirrorRedis, folder: Path, document: object = BOARD) -> Project:
    """A project and its mirror."""
    aged(write(folder, document))
    project = project_at(folder)
    await backfill([project], redis, Told(), lifetime_s=FOR_EVER)
    return project


async def one(redis: MirrorRedis, project: Project) -> Verification:
    [found] = await verify([project], redis, settle_s=0.05)
    return found


async def test_what_is_equal_is_equal(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis:
        found = await one(redis, await mirrored(redis, tmp_path / "shop"))
    assert (found.standing, found.drifts, found.exit_code) == (Standing.EQUAL, (), 0)
    assert found.file_digest == found.redis_digest == digest(BOARD)


async def test_a_drift_is_named_with_path_and_both_values(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis:
        project = await mirrored(redis, tmp_path / "shop")
        keys = RunKeys(project.run)

        async def tamper(connection: RedisConnection) -> None:
            member = keys["member:modules:Cart"]
            await connection.command("HSET", member, "spec", '1048576 "other items"')

        await redis.ask(tamper)
        found = await one(redis, project)
    assert found.drifts == (Drift(DriftKind.CHANGED, "modules.Cart.spec", "items", "other items"),)
    assert (found.standing, found.exit_code) == (Standing.DRIFT, 1)
    assert found.file_digest == digest(BOARD) != found.redis_digest
    assert json.loads(json.dumps(found.as_json()))["drifts"] == [
        {"kind": "changed", "path": "modules.Cart.spec", "file": "items", "redis": "other items"}
    ]


async def test_an_entry_that_was_lost_is_missing(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis:
        project = await mirrored(redis, tmp_path / "shop")
        stream = RunKeys(project.run)["section:agent_attempts"]

        async def tamper(connection: RedisConnection) -> None:
            entries = await connection.client.xrange(stream)
            await connection.command("XDEL", stream, entries[3][0])

        await redis.ask(tamper)
        found = await one(redis, project)
    lost = BOARD["agent_attempts"][3]
    assert found.drifts == (Drift(DriftKind.MISSING, "agent_attempts[3]", lost, MISSING),)


def test_any_drift_is_found_and_no_other(tmp_path: Path) -> None:
    """Whatever lies in the file and in Redis: a drift exactly where the two are written down otherwise."""

    async def explore_all() -> None:
        async with opened(tmp_path / "store") as redis:
            number = 0

            async def check(file: dict[str, object], there: dict[str, object]) -> None:
                nonlocal number
                number += 1
                project = await mirrored(redis, tmp_path / f"project-{number}", file)
                file = json.loads(json.dumps(file))
                assert (await one(redis, project)).standing is Standing.EQUAL
                await spoil(redis, project, there)
                found = await one(redis, project)
                assert (found.standing is Standing.EQUAL) == (dumped(file) == dumped(there))
                assert bool(found.drifts) == (found.standing is Standing.DRIFT)
                await spoil(redis, project, file)
                assert (await one(redis, project)).standing is Standing.EQUAL

            loop = asyncio.get_running_loop()

            @settings(max_examples=40)
            @given(st.data())
            def explore(data: st.DataObject) -> None:
                file = data.draw(documents)
                there = data.draw(st.one_of(changed(file), documents))
                asyncio.run_coroutine_threadsafe(check(file, there), loop).result(30)

            await asyncio.to_thread(explore)

    asyncio.run(explore_all())


async def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis:
        project = await mirrored(redis, tmp_path / "shop")
        (tmp_path / "shop" / "blackboard.json").unlink()
        no_file = await one(redis, project)
        write(tmp_path / "other")
        not_in_redis = await one(redis, project_at(tmp_path / "other"))
    assert (no_file.standing, no_file.exit_code) == (Standing.NO_FILE, 1)
    assert (not_in_redis.standing, not_in_redis.exit_code) == (Standing.NOT_IN_REDIS, 1)
    for found in (no_file, not_in_redis):
        assert found.project in (found.reason or "")


async def test_of_a_file_that_cannot_be_read_nothing_can_be_said(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis:
        project = await mirrored(redis, tmp_path / "shop")
        (tmp_path / "shop" / "blackboard.json").write_text('{"half": ')
        found = await one(redis, project)
    assert (found.standing, found.exit_code) == (Standing.UNREADABLE, 3)
    assert "no whole JSON document" in (found.reason or "")


@pytest.mark.parametrize(
    "command",
    [
        ("HSET", "sections", "logs", "garbage"),
        ("HSET", "section:modules", "Cart", "garbage"),
        ("HSET", "member:modules:Cart", "spec", "1 {half"),
        ("HSET", "member:modules:Cart", "spec", "1 "),
        ("SET", "section:logs", "a string"),
        ("SET", "sections", "a string"),
        ("XADD", "section:logs", "*", "x", "y"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
async def test_what_is_no_document_in_redis_is_broken_there(tmp_path: Path, command: Any) -> None:
    verb, suffix, *rest = command

    async def tamper(connection: RedisConnection) -> None:
        await connection.command(verb, RunKeys(project.run)[suffix], *rest)

    async with opened(tmp_path / "store") as redis:
        project = await mirrored(redis, tmp_path / "shop")
        await redis.ask(tamper)
        found = await one(redis, project)
    assert (found.standing, found.exit_code) == (Standing.BROKEN_IN_REDIS, 1)
    assert project.run in (found.reason or "")


async def test_what_a_mirror_is_only_about_to_do_is_no_drift(tmp_path: Path) -> None:
    """While somebody follows the project, the file is ahead of Redis all the time."""
    folder = tmp_path / "shop"
    write(folder)
    async with opened(tmp_path / "store") as redis, following(redis, [folder]) as told:
        await told.has(BOARD)
        end = asyncio.Event()

        async def engine() -> None:
            number = 0
            while not end.is_set():
                number += 1
                write(folder, board(logs=[number]))
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as group:
            group.create_task(engine())
            for _ in range(5):
                [found] = await verify([project_at(folder)], redis)
                assert found.standing in (Standing.EQUAL, Standing.UNREADABLE), found
            end.set()
        [found] = await verify([project_at(folder)], redis)
        assert found.standing is Standing.EQUAL


async def test_a_file_that_stood_still_is_not_looked_at_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis, asyncio.timeout(20):
        project = await mirrored(redis, tmp_path / "shop")
        await spoil(redis, project, {})
        [found] = await verify([project], redis, settle_s=60)
    assert found.standing is Standing.DRIFT


async def test_a_state_that_is_new_and_never_mirrored_is_a_drift(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis:
        project = await mirrored(redis, tmp_path / "shop")
        write(tmp_path / "shop", with_status("complete"))
        found = await one(redis, project)
    assert [drift.path for drift in found.drifts] == ["project_info.status"]


async def test_several_are_told_of_in_their_order_and_the_worst_counts(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis:
        projects = [await mirrored(redis, tmp_path / name) for name in "abcd"]
        await spoil(redis, projects[1], {})
        write(tmp_path / "c", "{")
        found = await verify(projects, redis, settle_s=0.05)
    standings = [Standing.EQUAL, Standing.DRIFT, Standing.UNREADABLE, Standing.EQUAL]
    assert [each.standing for each in found] == standings
    assert worst_exit_code(found) == 1
    assert worst_exit_code(found[2:]) == 3
    assert worst_exit_code(found[3:]) == 0
    assert worst_exit_code([]) == 3
