"""The events of many runs over one subscription, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

import async_arch.shared_events
from agents.blackboard import ProjectInfo, ProjectStatus
from agents.build import EventKind, TaskEvent
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import RunKeys
from async_arch.shared_events import SharedEvents
from async_arch.state_manager import RedisStateManager

_MORE_THAN_CONNECTIONS = 40
_INFO = ProjectInfo("a shop", "2026-01-01T00:00:00", ProjectStatus.BUILDING)


@pytest_asyncio.fixture
async def connection() -> AsyncIterator[RedisConnection]:
    async with embedded_redis() as server, open_redis(server.url) as opened:
        yield opened


def _event(kind: EventKind, task: str = "") -> TaskEvent:
    return TaskEvent(kind, "2026-01-01T00:00:00", task)


async def _seen(shared: SharedEvents, run: str, until: EventKind, begun: asyncio.Event) -> list[TaskEvent]:
    """The events of a run up to one of this kind; `begun` is set when the first has come."""
    seen = []
    async with aclosing(shared.of(RunKeys(run))) as events:
        async for streamed in events:
            seen.append(streamed.event)
            begun.set()
            if streamed.event.kind is until:
                break
    return seen


async def test_more_runs_than_connections_are_followed_at_once(connection: RedisConnection) -> None:
    runs = [f"run-{number}" for number in range(_MORE_THAN_CONNECTIONS)]
    begun = {run: asyncio.Event() for run in runs}
    async with SharedEvents.running(connection) as shared, asyncio.timeout(30):
        for run in runs:
            async with RedisStateManager.on(connection, run) as state:
                await state.create(_INFO, _event(EventKind.BUILD_STARTED))
        reading = [
            asyncio.create_task(_seen(shared, run, EventKind.BUILD_FINISHED, begun[run])) for run in runs
        ]
        for each in begun.values():
            await each.wait()
        for run in runs:
            async with RedisStateManager.on(connection, run) as state:
                await state.announce(_event(EventKind.TASK_STARTED, f"architect:{run}"))
                await state.finish(ProjectStatus.COMPLETE, _event(EventKind.BUILD_FINISHED))
        for run, seen in zip(runs, await asyncio.gather(*reading), strict=True):
            assert [(event.kind, event.task) for event in seen] == [
                (EventKind.BUILD_STARTED, ""),
                (EventKind.TASK_STARTED, f"architect:{run}"),
                (EventKind.BUILD_FINISHED, ""),
            ]


async def test_a_sign_wakes_its_reader_before_it_would_look(
    connection: RedisConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after the connection of the signs was lost, and for who comes when all others have gone."""
    monkeypatch.setattr(async_arch.shared_events, "LOOK_ANYWAY_S", 60.0)
    async with SharedEvents.running(connection) as shared, asyncio.timeout(30):
        for number in range(4):
            run, begun = f"run-{number}", asyncio.Event()
            async with RedisStateManager.on(connection, run) as state:
                await state.create(_INFO, _event(EventKind.BUILD_STARTED))
                reading = asyncio.create_task(_seen(shared, run, EventKind.TASK_STARTED, begun))
                await begun.wait()
                await _until_subscribed(connection, run)
                if number == 2:
                    await connection.command("CLIENT", "KILL", "TYPE", "pubsub")
                    await _until_subscribed(connection, run)
                await state.announce(_event(EventKind.TASK_STARTED, "analyst"))
                await reading


async def _until_subscribed(connection: RedisConnection, run: str) -> None:
    channel = RunKeys(run)["events"]
    while (await connection.command("PUBSUB", "NUMSUB", channel))[1] == 0:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
