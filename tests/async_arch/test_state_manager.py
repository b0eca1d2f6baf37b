"""What only the store in Redis has to hold: keys, lifetimes, transactions, secrets, a server that is lost."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from agents.api import FunctionSpec, ModuleApi
from agents.blackboard import ApiDesigned, Entry, FileWritten, Logged, ProjectInfo, ProjectStatus, Section
from agents.build import EventKind, TaskEvent
from agents.conversation import AgentFailure, Cause
from agents.roles import Role
from agents.workflow import Reads, Task, TaskReport, failed
from async_arch.checkpoints import Checkpoint
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import RedisConnection, open_redis, redacted
from async_arch.redis_keys import FOR_EVER, RUN_LIFETIME_S
from async_arch.state_manager import RedisStateManager, TransactionConflict
from async_arch.state_store import NoState, StateUnavailable

INFO = ProjectInfo("a shop", "2026-01-01T00:00:00", ProjectStatus.BUILDING)
TASK = Task(Role.DEVELOPER, "Cart")
API = ModuleApi((FunctionSpec("add(item: int) -> dict", "adds"),))
REPORT = TaskReport(TASK, (FileWritten("cart.py", "x = 1\n"), Logged("info", "written")))
EVENT = TaskEvent(EventKind.TASK_COMPLETED, "t1", str(TASK))
STARTED = TaskEvent(EventKind.BUILD_STARTED, "t0")
FINISHED = TaskEvent(EventKind.BUILD_FINISHED, "t2")


@asynccontextmanager
async def _server() -> AsyncIterator[RedisConnection]:
    async with embedded_redis() as server, open_redis(server.url, patience_s=0.3) as connection:
        yield connection


async def _keys(connection: RedisConnection) -> list[str]:
    return sorted([key.decode() async for key in connection.client.scan_iter()])


async def test_every_key_of_a_run_carries_its_name_and_a_lifetime() -> None:
    """Two runs on one server never touch each other's keys, and none stays for ever."""
    async with _server() as connection:
        for run in ("one", "two"):
            async with RedisStateManager.on(connection, run) as state:
                await state.create(INFO, STARTED)
                await state.report(TaskReport(TASK, (*REPORT.changes, ApiDesigned("Cart", API))), 5, EVENT)
                await state.finish(ProjectStatus.COMPLETE, FINISHED)
        keys = await _keys(connection)
        lifetimes = {key: await connection.client.ttl(key) for key in keys}
    assert {key.partition("{")[2].partition("}")[0] for key in keys} == {"one", "two"}
    assert len([key for key in keys if "{one}" in key]) == len(keys) / 2
    assert all(0 < lifetime <= RUN_LIFETIME_S for lifetime in lifetimes.values()), lifetimes


async def test_what_is_written_has_a_lifetime_before_the_run_has_an_end() -> None:
    """A run that is never finished, since its process died, goes as well."""
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO, STARTED)
        await state.report(TaskReport(TASK, (*REPORT.changes, ApiDesigned("Cart", API))), 5, EVENT)
        await state.settled()
        lifetimes = {key: await connection.client.ttl(key) for key in await _keys(connection)}
    assert len(lifetimes) > 8
    assert min(lifetimes.values()) > 0, lifetimes


async def test_a_run_can_stay_for_ever() -> None:
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO, lifetime_s=FOR_EVER)
        await state.report(REPORT, 5, EVENT)
        await state.finish(ProjectStatus.COMPLETE, FINISHED)
        assert {await connection.client.ttl(key) for key in await _keys(connection)} == {-1}


async def test_the_end_of_a_run_renews_what_nothing_has_touched_for_long() -> None:
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO, STARTED)
        await state.report(REPORT, 5, EVENT)
        await state.settled()
        for key in await _keys(connection):
            await connection.client.expire(key, 60)
        await state.finish(ProjectStatus.COMPLETE, FINISHED)
        lifetimes = {key: await connection.client.ttl(key) for key in await _keys(connection)}
    assert min(lifetimes.values()) > 60, lifetimes


async def test_a_task_writes_what_it_did_and_nothing_else() -> None:
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO)
        before = await _keys(connection)
        await state.report(TaskReport(TASK, (*REPORT.changes, ApiDesigned("Cart", API))), 5, EVENT)
        await state.settled()
        new = [key for key in await _keys(connection) if key not in before]
    assert [key.partition("}:")[2] for key in new] == [
        "events",
        "files",
        "member:api_registry:Cart",
        "section:api_registry",
        "section:files_created",
        "section:logs",
        "tasks",
    ]


async def test_deleting_a_run_leaves_no_key_of_it_and_all_of_others() -> None:
    async with _server() as connection:
        for run in ("one", "two"):
            async with RedisStateManager.on(connection, run) as state:
                await state.create(INFO, STARTED)
                await state.report(TaskReport(TASK, (*REPORT.changes, ApiDesigned("Cart", API))), 5, EVENT)
        async with RedisStateManager.on(connection, "one") as state:
            others = [key for key in await _keys(connection) if "{two}" in key]
            await state.delete()
        assert await _keys(connection) == others


async def test_a_channel_wakes_whoever_waits_for_events() -> None:
    async with (
        _server() as connection,
        RedisStateManager.on(connection, "run") as state,
        connection.client.pubsub() as pubsub,
    ):
        await state.create(INFO)
        await pubsub.psubscribe("agentfactory:*")
        assert (await pubsub.get_message(timeout=5))["type"] == "psubscribe"
        await state.report(REPORT, 5, EVENT)
        message = await pubsub.get_message(timeout=5)
    assert message["channel"] == b"agentfactory:{run}:events"
    assert message["data"] == b""


async def test_a_listener_goes_on_where_it_left_off() -> None:
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO, STARTED)
        await state.report(REPORT, 5, EVENT)
        first = await anext(state.events_after())
        await state.finish(ProjectStatus.COMPLETE, FINISHED)
        rest = state.events_after(first.ident)
        later = [(await anext(rest)).event.kind, (await anext(rest)).event.kind]
        await rest.aclose()  # type: ignore[attr-defined]
    assert first.event == STARTED
    assert later == [EventKind.TASK_COMPLETED, EventKind.BUILD_FINISHED]


async def test_an_event_keeps_all_its_facts() -> None:
    told = TaskEvent(EventKind.TASK_FAILED, "t", "developer:Cart", "«no» \n", 3, 1200, 340)
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO)
        await state.announce(told)
        assert (await anext(state.events_after())).event == told


async def test_checkpoints_tell_what_a_run_has_come_to() -> None:
    broken = failed(TASK, AgentFailure(TASK.role, TASK.module, Cause.MODEL, "status 500"))
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        assert await state.checkpoints() is None
        await state.begin()
        assert await state.checkpoints() is None
        await state.create(INFO, STARTED)
        await state.report(broken, 5, broken.event("t"))
        found = await state.checkpoints()
    assert found is not None
    assert (found.status, found.plan) == (ProjectStatus.BUILDING, None)
    assert dict(found.tasks) == {"developer:Cart": Checkpoint("model", "status 500")}


async def test_an_entry_at_a_later_position_prevails_whenever_it_comes() -> None:
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO)
        await state.add([Entry(Section.API_REGISTRY, (9, 0), "Cart", {"late": 1})])
        await state.add([Entry(Section.API_REGISTRY, (3, 0), "Cart", {"early": 1, "other": 2})])
        await state.add([Entry(Section.API_REGISTRY, (3, 1), "Users", {"early": 1})])
        board = await state.snapshot()
    assert board["api_registry"] == {"Users": {"early": 1}, "Cart": {"late": 1}}
    assert list(board["api_registry"]) == ["Users", "Cart"]  # type: ignore[call-overload]


async def test_no_increment_is_lost_between_transactions() -> None:
    """Read, change, write: whoever finds what he read changed does it anew."""

    def increment(board: dict[str, object]) -> dict[str, object]:
        counter = board.get("counter")
        count = counter["n"] if isinstance(counter, dict) else 0
        return {"counter": {"n": count + 1}}

    async with _server() as connection, RedisStateManager.on(connection, "run") as first:
        await first.create(INFO)
        async with RedisStateManager.on(connection, "run") as second, asyncio.TaskGroup() as group:
            for state in (first, second) * 40:
                group.create_task(state.transaction(["counter"], increment))
        assert (await first.snapshot())["counter"] == {"n": 80}


async def test_a_transaction_that_never_finds_quiet_says_so() -> None:
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO)
        async with RedisStateManager.on(connection, "run") as other:
            entry = Entry(Section.LOGS, (1, 0), "", "x")
            real = state._writer.write  # type: ignore[attr-defined]

            async def after_the_other(*args: object, **options: object) -> object:
                await other.add([entry])
                return await real(*args, **options)

            state._writer.write = after_the_other  # type: ignore[attr-defined]
            with pytest.raises(TransactionConflict, match="logs changed 100 times"):
                await state.transaction(["logs"], lambda board: {"logs": []})


async def test_a_transaction_is_not_held_up_by_other_sections() -> None:
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO)
        tries = 0

        def change(board: dict[str, object]) -> dict[str, object]:
            nonlocal tries
            tries += 1
            return {"logs": ["kept"]}

        real = state._writer.write  # type: ignore[attr-defined]

        async def after_another_section(*args: object, **options: object) -> object:
            await real([], expected_sections=None)
            return await real(*args, **options)

        state._writer.write = after_another_section  # type: ignore[attr-defined]
        await state.transaction(["logs"], change)
        assert tries == 1


async def test_what_was_flushed_is_not_half_begun_again() -> None:
    """A server that lost its data must not end up with the rest of a run as if it were the whole."""
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.create(INFO, STARTED)
        await connection.client.flushall()
        await state.report(REPORT, 5, EVENT)
        with pytest.raises(NoState, match="run run has no state"):
            await state.settled()
        assert await _keys(connection) == []
        with pytest.raises(NoState):
            await state.snapshot()


async def test_a_name_that_looks_like_two_is_one() -> None:
    """The key of a member holds the name of its section and its own; no two pairs share one."""
    board: dict[str, object] = {
        "a:b": {"c": {"x": 1}},
        "a": {"b:c": {"x": 2}},
        "a%3Ab": {"c": {"x": 3}},
    }
    async with _server() as connection, RedisStateManager.on(connection, "run") as state:
        await state.begin()
        await state.transaction(list(board), lambda _: board)
        assert await state.snapshot() == board


async def test_no_redis_at_the_url_is_one_clear_line_without_the_password() -> None:
    with pytest.raises(StateUnavailable) as caught:
        async with RedisStateManager.open("redis://me:secret@127.0.0.1:1/0", "run"):
            pass
    text = str(caught.value)
    assert "redis://me:***@127.0.0.1:1/0" in text
    assert "secret" not in text
    assert "\n" not in text


async def test_a_server_that_dies_is_state_unavailable_for_every_operation() -> None:
    async with (
        embedded_redis() as server,
        RedisStateManager.open(server.url, "run", patience_s=0.1) as state,
    ):
        await state.create(INFO)
        os.kill(server.pid, signal.SIGKILL)
        for operation in (
            _settled(state, state.announce(EVENT)),
            state.announce(EVENT),
            state.report(REPORT, 5, EVENT),
            state.read(Reads(files=("cart.py",))),
            state.snapshot(),
            anext(aiter(state.events())),
        ):
            with pytest.raises(StateUnavailable, match="no answer from Redis"):
                await operation


async def _settled(state: RedisStateManager, operation: Awaitable[None]) -> None:
    await operation
    await state.settled()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("rediss://user:pass@host/1", "rediss://user:***@host/1"),
        ("redis://:pass@host:1/1", "redis://:***@host:1/1"),
        ("unix:///tmp/socket?db=1", "unix:///tmp/socket?db=1"),
        ("unix:///tmp/socket?db=1&password=pass&x=1", "unix:///tmp/socket?db=1&password=***&x=1"),
        ("redis://user:pass@host/1?password=pass", "redis://user:***@host/1?password=***"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert redacted(url) == shown


async def test_a_listener_is_cancelled_at_whatever_moment_that_is_asked() -> None:
    """The client can swallow a cancellation that comes while it sends; the listener must end all the same."""
    async with embedded_redis() as server, RedisStateManager.open(server.url, "run") as state:
        await state.create(INFO)

        async def listen() -> None:
            async for _ in state.events():
                pass

        for ticks in range(0, 16, 3):
            listener = asyncio.create_task(listen())
            for _ in range(ticks):
                await asyncio.sleep(0)
            listener.cancel()
            async with asyncio.timeout(5):
                await asyncio.gather(listener, return_exceptions=True)
            assert listener.cancelled()
