"""The backfill: all that can be mirrored is, once, and what cannot be is named."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import pytest

from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import FOR_EVER, MIRRORS, RunKeys
from async_arch.state_manager import RedisStateManager
from harness.errors import SurroundingsError
from harness.state.backfill import Backfilled, BackfillOutcome, backfill
from harness.state.exit_code import worst_exit_code
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import find_projects, project_at
from tests.network.proxy import proxying
from tests.state.projects import board, opened, spoil, stored, write

MIRRORED, SKIPPED, BROKEN = BackfillOutcome.MIRRORED, BackfillOutcome.SKIPPED, BackfillOutcome.BROKEN
COUNT = 30


class Told:
    """A `BackfillWatcher` that remembers, and sets an event when so many projects are done."""

    def __init__(self, many: int = 10) -> None:
        self.count = 0
        self.found: list[Backfilled] = []
        self.many_done = asyncio.Event()
        self._many = many

    def began(self, count: int) -> None:
        self.count = count

    def done(self, backfilled: Backfilled) -> None:
        self.found.append(backfilled)
        if len(self.found) == self._many:
            self.many_done.set()


def output(folder: Path, count: int = COUNT) -> Path:
    """A folder of finished projects, each with a state of its own."""
    for number in range(count):
        place = "blackboard.json" if number % 2 else ".factory/blackboard.json"
        write(folder / f"project_{number:03}", board(logs=[f"project {number}"]), place)
    return folder


async def run(redis: MirrorRedis, folder: Path, lifetime_s: int = FOR_EVER) -> Sequence[Backfilled]:
    return await backfill(find_projects([folder]), redis, Told(), lifetime_s=lifetime_s)


def outcomes(found: Sequence[Backfilled]) -> Counter[BackfillOutcome]:
    return Counter(each.outcome for each in found)


async def test_all_projects_are_mirrored_and_the_next_time_skipped(tmp_path: Path) -> None:
    folder = output(tmp_path / "output")
    async with opened(tmp_path / "store") as redis:
        told = Told()
        found = await backfill(find_projects([folder]), redis, told)
        assert outcomes(found) == {MIRRORED: COUNT}
        assert [each.project for each in found] == sorted(each.project for each in found)
        assert told.count == COUNT
        assert sorted(told.found, key=lambda each: each.project) == found
        for number, project in enumerate(find_projects([folder])):
            assert await stored(redis, project.run) == board(logs=[f"project {number}"])
        again = await run(redis, folder)
        assert outcomes(again) == {SKIPPED: COUNT}
        assert worst_exit_code(again) == 0


async def test_what_changed_since_is_mirrored_again(tmp_path: Path) -> None:
    folder = output(tmp_path / "output", 4)
    async with opened(tmp_path / "store") as redis:
        await run(redis, folder)
        write(folder / "project_001", board(logs=["changed"]))
        found = await run(redis, folder)
        assert [each.outcome for each in found] == [SKIPPED, MIRRORED, SKIPPED, SKIPPED]
        assert await stored(redis, found[1].run) == board(logs=["changed"])


async def test_one_that_was_cut_off_is_taken_up_where_it_was(tmp_path: Path) -> None:
    folder = output(tmp_path / "output")
    async with opened(tmp_path / "store") as redis:
        told = Told()
        task = asyncio.create_task(backfill(find_projects([folder]), redis, told))
        await told.many_done.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await run(redis, folder)
        counts = outcomes(found)
        assert 10 <= counts[SKIPPED] < COUNT
        assert counts[SKIPPED] + counts[MIRRORED] == COUNT
        for number, each in enumerate(found):
            assert await stored(redis, each.run) == board(logs=[f"project {number}"])


async def test_one_that_is_broken_is_named_and_keeps_no_other_back(tmp_path: Path) -> None:
    folder = output(tmp_path / "output", 6)
    write(folder / "project_001", '{"half": ')
    write(folder / "project_003", "[]")
    write(folder / "project_002", {}, "blackboard.json")
    async with opened(tmp_path / "store") as redis:
        found = await run(redis, folder)
        assert [each.outcome for each in found] == [MIRRORED, BROKEN, BROKEN, BROKEN, MIRRORED, MIRRORED]
        assert worst_exit_code(found) == 3
        reasons = [each.reason or "" for each in found]
        assert "project_001" in reasons[1]
        assert "no whole JSON document" in reasons[1]
        assert "two blackboards" in reasons[2]
        assert "no JSON object" in reasons[3]
        # Of what could not be read there is no mirror.
        index = await redis.ask(lambda connection: connection.command("HGETALL", MIRRORS))
        assert len(index) == 3


async def test_a_name_that_belongs_to_something_else_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "other")

    async def begin(connection: RedisConnection) -> None:
        async with RedisStateManager.on(connection, "engine") as state:
            await state.begin()

    async with opened(tmp_path / "store") as redis:
        await backfill([project_at(tmp_path / "one", "shop")], redis, Told())
        await redis.ask(begin)
        for name, words in (("shop", "is the mirror of"), ("engine", "is the run of an engine")):
            [found] = await backfill([project_at(tmp_path / "other", name)], redis, Told())
            assert found.outcome is BROKEN
            assert words in (found.reason or "")


async def test_they_stay_for_ever_or_for_some_days(tmp_path: Path) -> None:
    folder = output(tmp_path / "output", 2)

    async def lifetimes(connection: RedisConnection) -> set[int]:
        keys = [key async for key in connection.client.scan_iter(RunKeys(runs[0]).prefix + "*")]
        assert len(keys) > 5
        return {await connection.client.ttl(key) for key in keys}

    async with opened(tmp_path / "store") as redis:
        runs = [each.run for each in await run(redis, folder)]
        assert await redis.ask(lifetimes) == {-1}
        # The same files, and yet there is something to do.
        assert outcomes(await run(redis, folder, lifetime_s=1000)) == {MIRRORED: 2}
        assert await redis.ask(lifetimes) <= {999, 1000}
        assert outcomes(await run(redis, folder)) == {MIRRORED: 2}
        assert await redis.ask(lifetimes) == {-1}


async def test_a_skipped_one_gets_back_into_an_index_that_was_lost(tmp_path: Path) -> None:
    folder = output(tmp_path / "output", 3)
    async with opened(tmp_path / "store") as redis:
        await run(redis, folder)
        await redis.ask(lambda connection: connection.command("DEL", MIRRORS))
        await run(redis, folder)
        assert await redis.ask(lambda connection: connection.command("HLEN", MIRRORS)) == 3


async def test_a_mirror_that_drifted_is_not_looked_at_while_its_file_is_the_same(tmp_path: Path) -> None:
    """That is what verify is for; a backfill that is taken up again has to be fast."""
    folder = output(tmp_path / "output", 1)
    async with opened(tmp_path / "store") as redis:
        await run(redis, folder)
        await spoil(redis, find_projects([folder])[0], board(logs=["spoilt"]))
        assert outcomes(await run(redis, folder)) == {SKIPPED: 1}


async def test_redis_that_goes_away_ends_it_with_the_reason(tmp_path: Path) -> None:
    """What was done by then is skipped the next time."""
    projects = find_projects([output(tmp_path / "output", 100)])
    async with embedded_redis() as server, proxying(Path(unquote(server.url[len("unix://") :]))) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        told = Told()

        async def until_lost() -> None:
            async with MirrorRedis.open(url, tmp_path, patience_s=0.2) as redis:
                await backfill(projects, redis, told)

        task = asyncio.create_task(until_lost())
        await told.many_done.wait()
        await proxy.disappear()
        with pytest.raises(SurroundingsError, match="no answer"):
            await task
        await proxy.appear()
        async with MirrorRedis.open(url, tmp_path) as redis:
            found = await backfill(projects, redis, Told())
    assert outcomes(found)[SKIPPED] >= 10
    assert outcomes(found)[SKIPPED] + outcomes(found)[MIRRORED] == 100


@pytest.mark.parametrize("command", [("HSET", "sections", "logs", "garbage"), ("SET", "sections", "x")])
async def test_a_mirror_that_is_no_document_is_named_and_keeps_no_other_back(
    tmp_path: Path, command: tuple[str, str, str]
) -> None:
    folder = output(tmp_path / "output", 4)
    verb, suffix, *rest = command
    async with opened(tmp_path / "store") as redis:
        runs = [each.run for each in await run(redis, folder)]
        await redis.ask(lambda connection: connection.command(verb, RunKeys(runs[1])[suffix], *rest))
        for number in range(4):
            place = "blackboard.json" if number % 2 else ".factory/blackboard.json"
            write(folder / f"project_{number:03}", board(logs=["changed"]), place)
        found = await run(redis, folder)
    assert [each.outcome for each in found] == [MIRRORED, BROKEN, MIRRORED, MIRRORED]
    assert "is no document" in (found[1].reason or "")
