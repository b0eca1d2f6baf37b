"""The mirror of a document: exact after every state, found out where it is not, and never in the way."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_arch.document_mirror import DocumentMirror, MirrorDrift, MirrorFollower
from async_arch.embedded_redis import embedded_redis
from async_arch.lifetime import begin
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import FOR_EVER, RunKeys
from async_arch.state_manager import RedisStateManager
from async_arch.stored_document import dumped
from tests.async_arch.documents import DEEP, changed, documents

KEYS = RunKeys("run")


@asynccontextmanager
async def _server() -> AsyncIterator[RedisConnection]:
    async with embedded_redis() as server, open_redis(server.url, patience_s=0.3) as connection:
        yield connection


async def _snapshot(connection: RedisConnection, run: str = "run") -> dict[str, object]:
    async with RedisStateManager.on(connection, run) as state:
        return await state.snapshot()


@st.composite
def _histories(draw: st.DrawFn) -> list[dict[str, object]]:
    states = [draw(documents)]
    for _ in range(draw(st.integers(1, 3))):
        states.append(draw(st.one_of(changed(states[-1]), documents)))
    return states


def test_every_state_of_any_history_is_exact() -> None:
    """Whatever a file becomes, Redis holds the same to the byte, the order of keys included."""

    async def mirror_all() -> None:
        async with _server() as connection:
            number = 0

            async def check(states: list[dict[str, object]]) -> None:
                nonlocal number
                number += 1
                run = f"run-{number}"
                async with DocumentMirror.on(connection, run) as mirror:
                    for state in states:
                        await mirror.save(state)
                        assert dumped(await _snapshot(connection, run)) == dumped(state)

            loop = asyncio.get_running_loop()

            @settings(max_examples=60)
            @given(_histories())
            def explore(states: list[dict[str, object]]) -> None:
                asyncio.run_coroutine_threadsafe(check(states), loop).result(30)

            await asyncio.to_thread(explore)

    asyncio.run(mirror_all())


@pytest.mark.parametrize(
    "value",
    [DEEP, "x" * 5_000_000, "\ud800\x00\u2028 «店»", {"": {"": ""}}, [], {}, {"big": ["y" * 5_000_000]}],
    ids=["50 deep", "5 MB", "any Unicode", "empty names", "no items", "no members", "5 MB in a member"],
)
async def test_extremes_are_exact(value: object) -> None:
    document = {"modules": {"Cart": value, "": value}, "logs": [value, value], "": value}
    async with _server() as connection, DocumentMirror.on(connection, "run") as mirror:
        await mirror.save({"logs": ["before"]})
        await mirror.save(document)
        assert dumped(await _snapshot(connection)) == dumped(document)
        await mirror.save({"logs": [value]})
        assert dumped(await _snapshot(connection)) == dumped({"logs": [value]})


async def test_a_state_costs_what_changed() -> None:
    board: dict[str, Any] = {
        "project_info": {"status": "building"},
        "agent_attempts": [{"n": number, "output": "x" * 4000} for number in range(300)],
    }
    async with _server() as connection, DocumentMirror.on(connection, "run") as mirror:
        await mirror.save(board)
        before = (await connection.client.info())["total_net_input_bytes"]
        board = {**board, "agent_attempts": [*board["agent_attempts"], {"n": 300, "output": "y" * 4000}]}
        assert (await mirror.save(board)).writes == 1
        sent = (await connection.client.info())["total_net_input_bytes"] - before
    assert sent < 5_000


async def test_an_object_that_becomes_a_list_leaves_nothing_of_itself() -> None:
    async with _server() as connection, DocumentMirror.on(connection, "run") as mirror:
        await mirror.save({"modules": {"Cart": {"a": 1}, "Users": {"b": 2}}, "logs": [1, 2]})
        await mirror.save({"modules": ["Cart"], "logs": {"x": {"y": 1}}})
        assert await _snapshot(connection) == {"modules": ["Cart"], "logs": {"x": {"y": 1}}}
        await mirror.save({})
        left = sorted([key.decode() async for key in connection.client.scan_iter("*")])
    assert left == [KEYS["meta"], KEYS["versions"]]


async def test_facts_change_together_with_the_document() -> None:
    async with _server() as connection, DocumentMirror.on(connection, "run") as mirror:
        await mirror.save({"logs": []}, {"source": "Größe/blackboard.json"})
        assert (await connection.client.hget(KEYS["meta"], "source")) == "Größe/blackboard.json".encode()


async def test_what_somebody_else_wrote_meanwhile_is_made_equal_too() -> None:
    async with _server() as connection, DocumentMirror.on(connection, "run") as mirror:
        await mirror.save({"logs": ["a"]})
        async with RedisStateManager.on(connection, "run") as other:
            await other.transaction(["logs"], lambda _: {"logs": ["b", "c"]})
        await mirror.save({"logs": ["a", "d"]})
        assert await _snapshot(connection) == {"logs": ["a", "d"]}


@pytest.mark.parametrize(("before", "named"), [({}, ": modules"), ({"logs": []}, ": member:modules:Cart")])
async def test_what_does_not_lie_there_as_written_is_found_at_once(
    before: dict[str, object], named: str
) -> None:
    """A server that says that it has written and has not: here somebody who changes it in between."""
    async with _server() as connection, DocumentMirror.on(connection, "run") as mirror:
        await mirror.save(before)
        real = mirror._writer.write

        async def spoiled(*args: Any, **options: Any) -> Any:
            written = await real(*args, **options)
            await connection.client.hset(KEYS["member:modules:Cart"], "spec", b"0 1")
            return written

        mirror._writer.write = spoiled  # type: ignore[method-assign]
        with pytest.raises(MirrorDrift, match=named):
            await mirror.save({**before, "modules": {"Cart": {"spec": "items"}}})


async def test_a_document_that_is_taken_for_new_and_is_not_is_made_equal_too() -> None:
    async with _server() as connection:
        await begin(connection, KEYS, FOR_EVER)
        async with DocumentMirror.on(connection, "run", new=True) as mirror:
            await mirror.save({"logs": ["a", "b"], "modules": {"Cart": {"spec": 1}}})
            assert await _snapshot(connection) == {"logs": ["a", "b"], "modules": {"Cart": {"spec": 1}}}
        async with DocumentMirror.on(connection, "run", new=True) as mirror:
            await mirror.save({"logs": ["b"]})
            assert await _snapshot(connection) == {"logs": ["b"]}
            assert (await mirror.save({"logs": ["b", "c"]})).writes == 1
            assert await _snapshot(connection) == {"logs": ["b", "c"]}


async def test_drift_of_the_whole_is_found_by_its_digest() -> None:
    document = {"logs": ["a"], "modules": {"Cart": {"spec": 1}}}
    async with _server() as connection, DocumentMirror.on(connection, "run") as mirror:
        await mirror.save(document)
        assert not await mirror.drift_from(document)
        await connection.client.hset(KEYS["member:modules:Cart"], "spec", b"0 1.0")
        assert await mirror.drift_from(document)


async def test_a_follower_takes_each_state_and_reports() -> None:
    async with _server() as connection, MirrorFollower.on(connection, "run") as follower:
        for number in range(20):
            follower.offer({"logs": list(range(number))})
            await asyncio.sleep(0)
        report = await follower.finish(5)
        assert await _snapshot(connection) == {"logs": list(range(19))}
    assert report.caught_up
    assert report.problem is None
    assert report.saves == 20
    assert 1 <= report.verified <= 20


async def test_a_follower_that_cannot_reach_redis_says_so_and_disturbs_nobody() -> None:
    async with (
        embedded_redis() as server,
        open_redis(server.url, patience_s=0.1) as connection,
        MirrorFollower.on(connection, "run") as follower,
    ):
        follower.offer({"logs": [1]})
        await follower.finish(5)
        os.kill(server.pid, signal.SIGKILL)
        for number in range(100):
            follower.offer({"logs": [number]})
        report = await follower.finish(0.5)
    assert not report.caught_up
    assert report.saves == 101
    assert report.problem is not None
    assert "Redis" in report.problem


async def test_drift_at_the_end_is_reported() -> None:
    async with _server() as connection, MirrorFollower.on(connection, "run") as follower:
        follower.offer({"logs": [1]})
        await follower.finish(5)
        await connection.client.delete(KEYS["section:logs"])
        report = await follower.finish(5)
    assert report.drifted
    assert not report.caught_up
