"""The executors of builds whose tasks workers do, and the connection to the queue that they share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from agents.chat_protocol import ModelSettings
from async_arch.composition import Generation
from async_arch.executor import TaskExecutor
from async_arch.redis_client import RedisConnection
from async_arch.shared_events import SharedEvents
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateStore
from async_arch.timestamps import timestamp
from async_arch.workers.docket_executor import DocketExecutor
from async_arch.workers.settings import WorkersSettings
from async_arch.workers.task_queue import open_queue

__all__ = ["open_executors"]


@asynccontextmanager
async def open_executors(
    settings: WorkersSettings, connection: RedisConnection, model: ModelSettings, generation: Generation
) -> AsyncIterator[Callable[[StateStore], AbstractAsyncContextManager[TaskExecutor]]]:
    """For the state of a build, what has workers do its tasks.

    `connection` is to the server that the states are on. Raises `StateUnavailable` where it does not answer.
    """
    async with (
        open_queue(connection.url, settings.queue, settings.code) as queue,
        SharedEvents.running(connection) as events,
    ):

        def executor(state: StateStore) -> AbstractAsyncContextManager[TaskExecutor]:
            if not isinstance(state, RedisStateManager):
                raise TypeError("workers find a build only where its state is in Redis")
            return DocketExecutor(
                queue, connection, state, settings, model, generation, timestamp, events
            ).running()

        yield executor
