"""The events of many runs over one subscription: a connection for each would be one for each build."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

import redis.exceptions
from redis.asyncio.client import PubSub

from async_arch.redis_client import RedisConnection, cancellable
from async_arch.redis_events import LOOK_ANYWAY_S, StreamedEvent, read_events
from async_arch.redis_keys import RunKeys

__all__ = ["SharedEvents"]

_AGAIN_S = 0.2
_ANSWER_TIMEOUT_S = 10.0
_BROKEN = (redis.exceptions.RedisError, OSError, TimeoutError)


class SharedEvents:
    """What tells readers of events that there are new ones; as ever, a stream is the truth, a sign a hint."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection
        self._signs: dict[bytes, asyncio.Event] = {}
        self._channel: PubSub | None = None
        self._wanted = asyncio.Event()
        # The client's subscriptions know no tasks: two at once would each take a connection.
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def running(cls, connection: RedisConnection) -> AsyncIterator[SharedEvents]:
        """One that listens for as long as the block lasts."""
        shared = cls(connection)
        listening = asyncio.create_task(shared._listen(), name="signs of events")
        try:
            yield shared
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def of(self, keys: RunKeys) -> AsyncGenerator[StreamedEvent, None]:
        """The events of a run from the first on, as they come, without end; each run has one reader."""
        name, ident, sign = keys["events"].encode(), "0-0", asyncio.Event()
        self._signs[name] = sign
        try:
            self._wanted.set()
            await self._subscribe(name)
            while True:
                sign.clear()
                # Read after that: what came before is in the stream, what comes later gives a sign.
                found = await read_events(self._connection, keys, ident)
                for streamed in found:
                    ident = streamed.ident
                    yield streamed
                if not found:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_ANYWAY_S):
                            await sign.wait()
        finally:
            del self._signs[name]
            await self._unsubscribe(name)

    async def _subscribe(self, *names: bytes) -> None:
        with suppress(*_BROKEN):
            async with asyncio.timeout(_ANSWER_TIMEOUT_S), self._one_at_a_time:
                if self._channel is not None:
                    await cancellable(self._channel.subscribe(*names))

    async def _unsubscribe(self, name: bytes) -> None:
        with suppress(*_BROKEN):
            async with asyncio.timeout(_ANSWER_TIMEOUT_S), self._one_at_a_time:
                if self._channel is not None:
                    await cancellable(self._channel.unsubscribe(name))

    async def _listen(self) -> None:
        while True:
            # A channel that nobody subscribed to has nothing to be read from.
            await self._wanted.wait()
            with suppress(*_BROKEN):
                async with self._connection.client.pubsub() as channel:
                    self._channel = channel
                    try:
                        if self._signs:
                            await self._subscribe(*self._signs)
                        await self._hear(channel)
                    finally:
                        self._channel = None
            await asyncio.sleep(_AGAIN_S)

    async def _hear(self, channel: PubSub) -> None:
        while channel.subscribed:
            message = await cancellable(
                channel.get_message(ignore_subscribe_messages=False, timeout=LOOK_ANYWAY_S)
            )
            if message is not None and (sign := self._signs.get(message["channel"])) is not None:
                sign.set()
        self._wanted.clear()
        if self._signs:
            self._wanted.set()
