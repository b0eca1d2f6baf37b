"""The events of a run: a stream that keeps them all, and a channel that only says that there are new ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import redis.exceptions
from redis.asyncio.client import PubSub

from agents.build import EventKind, TaskEvent
from async_arch.document_writes import Write, event, task_event
from async_arch.redis_client import RedisConnection, cancellable
from async_arch.redis_keys import RunKeys
from async_arch.stored_document import as_bytes, as_text

__all__ = ["LOOK_ANYWAY_S", "StreamedEvent", "event_write", "events_after", "read_events"]

_AT_ONCE = "500"
LOOK_ANYWAY_S = 1.0
"""How long a listener waits for a sign: Pub/Sub forgets whoever was away for a moment."""


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """An event, and its id in the stream, from which a listener can go on later."""

    ident: str
    event: TaskEvent


def event_write(happened: TaskEvent) -> Write:
    """The write that adds `happened` to the stream; what is empty is left out."""
    if happened.task and not (happened.detail or happened.calls or happened.takeovers):
        return task_event(happened.kind.encode(), as_bytes(happened.at), as_bytes(happened.task))
    parts = [b"kind", happened.kind.encode(), b"at", as_bytes(happened.at)]
    if happened.task:
        parts += (b"task", as_bytes(happened.task))
    if happened.detail:
        parts += (b"detail", as_bytes(happened.detail))
    if happened.calls:
        parts += (b"calls", b"%d" % happened.calls)
    if happened.prompt_tokens:
        parts += (b"prompt_tokens", b"%d" % happened.prompt_tokens)
    if happened.output_tokens:
        parts += (b"output_tokens", b"%d" % happened.output_tokens)
    if happened.retries:
        parts += (b"retries", b"%d" % happened.retries)
    if happened.takeovers:
        parts += (b"takeovers", b"%d" % happened.takeovers)
    return event(parts)


async def events_after(
    connection: RedisConnection, keys: RunKeys, ident: str
) -> AsyncGenerator[StreamedEvent, None]:
    """The events after the one with this id, as they come, without end."""
    name = keys["events"]
    async with AsyncExitStack() as stack:
        channel: PubSub | None = None
        while True:
            if channel is None:
                channel = await _listening(connection, name, stack)
            # Read once the channel is open: what came before is in the stream, what comes later gives a sign.
            found = await read_events(connection, keys, ident)
            for streamed in found:
                ident = streamed.ident
                yield streamed
            if not found and not await _sign(channel):
                channel = None


async def read_events(connection: RedisConnection, keys: RunKeys, ident: str) -> list[StreamedEvent]:
    """Some of the events after the one with this id, none where there are none yet."""
    answer = await connection.command("XREAD", "COUNT", _AT_ONCE, "STREAMS", keys["events"], ident)
    return [
        StreamedEvent(number.decode(), _event({as_text(key): as_text(text) for key, text in fields.items()}))
        for _, messages in answer or ()
        for number, fields in messages
    ]


async def _listening(connection: RedisConnection, name: str, stack: AsyncExitStack) -> PubSub | None:
    """A subscription to the channel; None where none can be had now."""
    await stack.aclose()
    channel: PubSub = await stack.enter_async_context(connection.client.pubsub())
    try:
        await cancellable(channel.subscribe(name))
    except (redis.exceptions.RedisError, OSError):
        return None
    return channel


async def _sign(channel: PubSub | None) -> bool:
    """Wait for a sign, or a while; False where the channel is broken."""
    if channel is None:
        await asyncio.sleep(LOOK_ANYWAY_S)
        return True
    try:
        await cancellable(channel.get_message(timeout=LOOK_ANYWAY_S))
        # All that has come since is read at once.
        while await cancellable(channel.get_message(timeout=0.0)) is not None:
            pass
    except (redis.exceptions.RedisError, OSError):
        return False
    return True


def _event(fields: dict[str, str]) -> TaskEvent:
    return TaskEvent(
        EventKind(fields["kind"]),
        fields.get("at", ""),
        fields.get("task", ""),
        fields.get("detail", ""),
        calls=int(fields.get("calls", 0)),
        prompt_tokens=int(fields.get("prompt_tokens", 0)),
        output_tokens=int(fields.get("output_tokens", 0)),
        retries=int(fields.get("retries", 0)),
        takeovers=int(fields.get("takeovers", 0)),
    )
