"""Following: every whole state goes to Redis soon, never half of one, and the last one whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys
from async_arch.state_manager import RedisStateManager
from async_arch.stored_document import digest
from harness.errors import BadInputError
from harness.state.board import board_text
from harness.state.exit_code import worst_exit_code
from harness.state.follow import FollowSettings, follow
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import project_at
from harness.state.repair import Side, repair
from harness.state.replaced import Replaced
from tests.network.proxy import proxying
from tests.state.following import Following, following
from tests.state.projects import BOARD, board, opened, spoil, stored, with_status, write


def growing(count: int) -> Iterator[dict[str, object]]:
    """The states of a build, one after the other."""
    for number in range(count):
        yield board(agent_attempts=BOARD["agent_attempts"] * number, logs=[f"step {number}"])


async def test_every_state_is_mirrored_with_its_lag(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder)
    async with opened(tmp_path / "store") as redis:
        async with following(redis, [folder]) as told:
            await told.has(BOARD)
            for state in growing(5):
                write(folder, state)
                await told.has(state)
        run = project_at(folder).run
        assert await stored(redis, run) == state
    summary = told.summary
    assert (summary.seen, summary.mirrored) == (6, 6)
    assert (summary.caught_up, summary.drifted, summary.problem) == (True, False, None)
    # The state that was there before is older than the mirror.
    assert told.lags_s[0] is None
    assert all(lag is not None and 0 <= lag < 5 for lag in told.lags_s[1:])
    assert summary.lag_median_ms is not None
    assert summary.lag_max_ms is not None
    assert 0 < summary.lag_median_ms <= summary.lag_max_ms
    # Only what changed is written: the attempts once, not with every state anew.
    assert summary.size < 2 * len(board_text(state))


def rewrite_in_place(path: Path, states: Iterator[dict[str, object]]) -> list[str]:
    """Write each state as engines do, in parts and with pauses between; the digests of all of them."""
    digests = []
    for number, state in enumerate(states):
        digests.append(digest(state))
        text = board_text(state)
        if number % 3 == 2:
            temporary = path.with_name("temporary")
            temporary.write_bytes(text)
            temporary.replace(path)
        else:
            with path.open("wb", buffering=0) as file:
                for part in (text[: len(text) // 3], text[len(text) // 3 : -20], text[-20:]):
                    file.write(part)
                    time.sleep(0.012)
        time.sleep(0.01)
    return digests


async def test_nothing_half_or_wrong_ever_lies_in_redis(tmp_path: Path) -> None:
    """While a writer rewrites the file in place, truncated in the middle, and others read Redis."""
    folder = tmp_path / "shop"
    folder.mkdir()
    run = project_at(folder).run
    written: list[str] = []
    ended = threading.Event()

    def write_all() -> None:
        written.extend(rewrite_in_place(folder / "blackboard.json", growing(40)))
        ended.set()

    async with opened(tmp_path / "store") as redis:
        seen: list[str] = []
        async with following(redis, [folder]) as told:
            await asyncio.sleep(0.1)
            thread = threading.Thread(target=write_all)
            thread.start()
            while not ended.is_set():
                document = await stored(redis, run)
                if document and (not seen or seen[-1] != digest(document)):
                    seen.append(digest(document))
                await asyncio.sleep(0.001)
            thread.join()
        last = await stored(redis, run)
    places = [written.index(found) for found in seen]
    assert places == sorted(places)
    assert len(places) > 3
    assert last is not None
    assert digest(last) == written[-1]
    assert told.summary.caught_up
    assert told.summary.half_written > 0


async def test_a_blackboard_may_come_later_and_in_either_place(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    async with opened(tmp_path / "store") as redis:
        async with following(redis, folders) as told:
            await asyncio.sleep(0.1)
            for folder in folders:
                # Before there is anything to mirror, there is no mirror.
                assert await stored(redis, project_at(folder).run) is None
            write(folders[0], BOARD)
            await told.has(BOARD)
            other = with_status("failed")
            write(folders[1], other, ".factory/blackboard.json")
            await told.has(other)
            write(folders[1], BOARD, ".factory/blackboard.json")
            await told.until(lambda told: len(told.boards) == 3)
        assert await stored(redis, project_at(folders[1]).run) == BOARD
    assert [summary.mirrored for summary in told.summaries] == [1, 2]
    assert worst_exit_code(told.summaries) == 0


async def test_it_ends_when_all_engines_have(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    write(folders[0], with_status("complete"))
    write(folders[1])
    async with opened(tmp_path / "store") as redis, asyncio.timeout(20):
        told, stop = Following(), asyncio.Event()
        projects = [project_at(folder) for folder in folders]
        task = asyncio.create_task(follow(projects, redis, FollowSettings(until_finished=True), stop, told))
        await told.until(lambda told: len(told.boards) == 2)
        await asyncio.sleep(0.6)
        assert not task.done()
        write(folders[1], with_status("failed"))
        summaries = await task
        assert await stored(redis, projects[1].run) == with_status("failed")
    assert all(summary.caught_up for summary in summaries)


async def test_it_ends_after_a_time(tmp_path: Path) -> None:
    write(tmp_path / "shop")
    async with opened(tmp_path / "store") as redis, asyncio.timeout(20):
        project, told = project_at(tmp_path / "shop"), Following()
        [summary] = await follow([project], redis, FollowSettings(for_s=0.5), asyncio.Event(), told)
    assert summary.caught_up
    assert summary.exit_code == 0


async def test_the_state_of_the_last_moment_is_not_left_out(tmp_path: Path) -> None:
    write(tmp_path / "shop")
    async with opened(tmp_path / "store") as redis:
        async with following(redis, [tmp_path / "shop"]) as told:
            await told.has(BOARD)
            last = with_status("complete")
            write(tmp_path / "shop", last)
            told.stop.set()
        assert await stored(redis, project_at(tmp_path / "shop").run) == last
    assert told.summary.caught_up


async def test_while_redis_is_away_only_the_newest_state_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder)
    async with embedded_redis() as server, proxying(Path(unquote(server.url[len("unix://") :]))) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        async with (
            MirrorRedis.open(url, tmp_path, patience_s=0.1) as redis,
            following(redis, [folder]) as told,
        ):
            await told.has(BOARD)
            async with proxy.away():
                for state in growing(8):
                    write(folder, state)
                    await asyncio.sleep(0.03)
                await told.until(lambda told: bool(told.aways))
                # Once is enough.
                await asyncio.sleep(0.8)
                assert len(told.aways) == 1
            await told.has(state)
            assert await stored(redis, project_at(folder).run) == state
    assert told.summary.caught_up
    assert told.summary.seen > told.summary.mirrored
    assert told.summary.problem is not None
    assert "no answer" in told.summary.problem


@pytest.mark.filterwarnings("ignore")
async def test_a_server_of_its_own_that_is_killed_is_started_again(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder)

    async def kill(connection: RedisConnection) -> None:
        info = await connection.command("INFO", "server")
        os.kill(info["process_id"], signal.SIGKILL)

    async with opened(tmp_path / "store") as redis:
        async with following(redis, [folder]) as told:
            await told.has(BOARD)
            await redis.ask(kill)
            last = with_status("complete")
            write(folder, last)
            await told.has(last)
        assert await stored(redis, project_at(folder).run) == last
    assert told.summary.caught_up


async def test_redis_that_stays_away_is_said_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder)
    settings = FollowSettings(catch_up_s=0.5)
    async with embedded_redis() as server, proxying(Path(unquote(server.url[len("unix://") :]))) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        async with (
            MirrorRedis.open(url, tmp_path, patience_s=0.1) as redis,
            following(redis, [folder], settings) as told,
        ):
            await told.has(BOARD)
            await proxy.disappear()
            write(folder, with_status("complete"))
            await told.until(lambda told: bool(told.aways))
    assert not told.summary.caught_up
    assert told.summary.exit_code == 3
    assert "no answer" in (told.summary.problem or "")


async def test_what_is_half_written_to_the_end_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    path = write(folder)
    settings = FollowSettings(catch_up_s=0.3, unreadable_s=0.2)
    async with opened(tmp_path / "store") as redis:
        async with following(redis, [folder], settings) as told:
            await told.has(BOARD)
            path.write_bytes(path.read_bytes()[:-10])
            await told.until(lambda told: bool(told.unreadables))
            await asyncio.sleep(0.6)
            # Once is enough.
            assert len(told.unreadables) == 1
        assert await stored(redis, project_at(folder).run) == BOARD
    assert not told.summary.caught_up
    assert told.summary.exit_code == 3
    assert "no whole JSON document" in (told.summary.problem or "")


async def test_what_was_written_and_is_another_at_the_end_has_drifted(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder)
    async with opened(tmp_path / "store") as redis, following(redis, [folder]) as told:
        await told.has(BOARD)
        await spoil(redis, project_at(folder), board(logs=["somebody else's"]))
    assert told.summary.drifted
    assert told.summary.exit_code == 1


async def test_where_nothing_comes_nothing_can_be_said(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as redis, following(redis, [tmp_path]) as told:
        await asyncio.sleep(0.1)
    assert told.summary.exit_code == 3
    assert "no blackboard" in (told.summary.problem or "")


async def test_the_run_of_an_engine_is_not_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "shop")
    project = project_at(tmp_path / "shop", "a-run")

    async def begin(connection: RedisConnection) -> None:
        async with RedisStateManager.on(connection, "a-run") as state:
            await state.begin()

    async with opened(tmp_path / "store") as redis:
        await redis.ask(begin)
        with pytest.raises(BadInputError, match="is the run of an engine"):
            await follow([project], redis, FollowSettings(for_s=1), asyncio.Event(), Following())


async def test_two_that_follow_one_project_do_not_disturb_each_other(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder)
    async with opened(tmp_path / "store") as one, opened(tmp_path / "store") as other:
        async with following(one, [folder]) as told, following(other, [folder]) as told_too:
            for state in growing(6):
                write(folder, state)
                await told.has(state)
                await told_too.has(state)
        assert await stored(one, project_at(folder).run) == state
    assert told.summary.caught_up
    assert told_too.summary.caught_up


async def test_a_single_state_that_could_not_be_mirrored_is_tried_until_it_can_be(tmp_path: Path) -> None:
    """Its engine may write nothing more for long, or ever."""
    folder = tmp_path / "shop"
    write(folder)
    async with embedded_redis() as server, proxying(Path(unquote(server.url[len("unix://") :]))) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        async with (
            MirrorRedis.open(url, tmp_path, patience_s=0.1) as redis,
            following(redis, [folder]) as told,
        ):
            await told.has(BOARD)
            async with proxy.away():
                write(folder, with_status("complete"))
                await told.until(lambda told: bool(told.aways))
            await told.has(with_status("complete"))
    assert told.summary.mirrored == 2


async def test_a_mirror_that_is_no_document_is_said_and_taken_up_again_once_repaired(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    write(folder)
    project = project_at(folder)
    keys = RunKeys(project.run)
    async with opened(tmp_path / "store") as redis:
        async with following(redis, [folder]) as told:
            await told.has(BOARD)
        await redis.ask(lambda connection: connection.command("HSET", keys["sections"], "logs", "garbage"))
        async with following(redis, [folder]) as told:
            write(folder, with_status("complete"))
            await told.until(lambda told: bool(told.aways))
            assert "is no document" in told.aways[0]
            await repair(project, redis, Side.JSON, Replaced(tmp_path / "store"))
            await told.has(with_status("complete"))
    assert told.summary.caught_up
