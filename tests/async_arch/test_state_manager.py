"""What only the store in Redis has to hold: keys, lifetimes, Pub/Sub, secrets, a server that goes away."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import pytest

from agents.blackboard import FileWritten, Logged, ProjectInfo, ProjectStatus
from agents.build import EventKind, TaskEvent
from agents.roles import Role
from agents.workflow import Reads, Task, TaskReport
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_keys import RUN_LIFETIME_S
from async_arch.state_manager import RedisStateManager, open_redis, redacted
from async_arch.state_store import StateUnavailable

INFO = ProjectInfo("a shop", "2026-01-01T00:00:00", ProjectStatus.BUILDING)
TASK = Task(Role.DEVELOPER, "Cart")
REPORT = TaskReport(TASK, (FileWritten("cart.py", "x = 1\n"), Logged("info", "written")))
EVENT = TaskEvent(EventKind.TASK_COMPLETED, "t1", str(TASK))


async def test_every_key_of_a_run_carries_its_name_and_a_lifetime() -> None:
    """Two runs on one server never touch each other's keys, and none stays for ever."""
    async with embedded_redis() as server, open_redis(server.url) as client:
        for run in ("one", "two"):
            async with RedisStateManager.open(server.url, run) as state:
                await state.create(INFO)
                await state.report(REPORT, 5, EVENT)
                await state.finish(ProjectStatus.COMPLETE, TaskEvent(EventKind.BUILD_FINISHED, "t2"))
        keys = [key async for key in client.scan_iter()]
        lifetimes = [await client.ttl(key) for key in keys]
    assert {key.partition("{")[2].partition("}")[0] for key in keys} == {"one", "two"}
    assert len([key for key in keys if "{one}" in key]) == len(keys) / 2
    assert all(0 < lifetime <= RUN_LIFETIME_S for lifetime in lifetimes), dict(
        zip(keys, lifetimes, strict=True)
    )


async def test_a_task_writes_what_it_did_and_nothing_else() -> None:
    async with (
        embedded_redis() as server,
        open_redis(server.url) as client,
        RedisStateManager.open(server.url, "run") as state,
    ):
        await state.create(INFO)
        await state.report(REPORT, 5, EVENT)
        keys = sorted([key async for key in client.scan_iter()])
    assert [key.partition("}:")[2] for key in keys] == [
        "board:files_created",
        "board:logs",
        "events",
        "files",
        "info",
    ]


async def test_events_are_published_as_well() -> None:
    async with (
        embedded_redis() as server,
        open_redis(server.url) as client,
        RedisStateManager.open(server.url, "run") as state,
        client.pubsub() as pubsub,
    ):
        await pubsub.psubscribe("agentfactory:*")
        assert (await pubsub.get_message(timeout=5))["type"] == "psubscribe"
        await state.report(REPORT, 5, EVENT)
        message = await pubsub.get_message(timeout=5)
    assert message["channel"] == "agentfactory:{run}:events"
    assert json.loads(message["data"])["kind"] == "TASK_COMPLETED"


async def test_no_redis_at_the_url_is_one_clear_line_without_the_password() -> None:
    with pytest.raises(StateUnavailable) as caught:
        async with RedisStateManager.open("redis://me:secret@127.0.0.1:1/0", "run"):
            pass
    text = str(caught.value)
    assert "redis://me:***@127.0.0.1:1/0" in text
    assert "secret" not in text
    assert "\n" not in text


async def test_a_server_that_dies_is_state_unavailable_for_every_operation() -> None:
    async with embedded_redis() as server, RedisStateManager.open(server.url, "run") as state:
        await state.create(INFO)
        os.kill(server.pid, signal.SIGKILL)
        for operation in (
            state.announce(EVENT),
            state.report(REPORT, 5, EVENT),
            state.read(Reads(files=("cart.py",))),
            state.snapshot(),
            anext(aiter(state.events())),
        ):
            with pytest.raises(StateUnavailable, match="no answer from Redis"):
                await operation


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("rediss://user:pass@host/1", "rediss://user:***@host/1"),
        ("redis://:pass@host:1/1", "redis://:***@host:1/1"),
        ("unix:///tmp/socket?db=1", "unix:///tmp/socket?db=1"),
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
