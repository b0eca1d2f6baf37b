"""Which workers there are: each says every second that it lives and what it does, under its own name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import WORKERS
from async_arch.workers.server_clock import server_time

__all__ = ["BEAT_S", "LIVES_S", "BusyTask", "WorkerFacts", "live_workers", "say_alive", "say_gone"]

BEAT_S = 1.0
"""How often a worker says that it lives."""
LIVES_S = 10.0
"""For how long what it said counts."""

_FACTS = f"{WORKERS}:facts"


@dataclass(frozen=True, slots=True)
class BusyTask:
    """A task that a worker does, begun at `since` (seconds since the epoch, by the clock of Redis)."""

    run: str
    task: str
    since: float
    taken_over: bool = False
    """Whether a worker before it did not end it."""


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """What a worker says of itself. Times are seconds since the epoch, by the clock of Redis."""

    name: str
    machine: str
    pid: int
    code: str
    queue: str
    concurrency: int
    takeover_s: float
    """For how long its lease of a task holds without being renewed."""
    started: float
    said: float
    done: int = 0
    failed: int = 0
    """Of those that were done, how many the task's agent failed at."""
    repeated: int = 0
    """Tasks that came and had been done already: they were left as they were."""
    taken_over: int = 0
    overtaken: int = 0
    """Tasks of builds that have another owner by now: nothing of them was kept."""
    dropped: int = 0
    """Messages in the queue that were no tasks."""
    done_last_minute: int = 0
    draining: bool = False
    busy: tuple[BusyTask, ...] = ()


async def say_alive(connection: RedisConnection, facts: WorkerFacts) -> None:
    """Put `facts` into Redis, and take out who has not been heard of for long."""

    async def say() -> None:
        silent_since = repr(facts.said - 10 * LIVES_S)
        gone: list[bytes] = await connection.command("ZRANGEBYSCORE", WORKERS, "0", silent_since)
        async with connection.client.pipeline(transaction=True) as pipe:
            pipe.zadd(WORKERS, {facts.name: facts.said})
            pipe.hset(_FACTS, facts.name, _ADAPTER.dump_json(facts))
            for name in gone:
                pipe.zrem(WORKERS, name)
                pipe.hdel(_FACTS, name)
            await pipe.execute()

    await connection.ask(say)


async def say_gone(connection: RedisConnection, name: str) -> None:
    """Take the worker of this name out."""

    async def say() -> None:
        async with connection.client.pipeline(transaction=True) as pipe:
            pipe.zrem(WORKERS, name)
            pipe.hdel(_FACTS, name)
            await pipe.execute()

    await connection.ask(say)


async def live_workers(connection: RedisConnection) -> Sequence[WorkerFacts]:
    """What the workers that live said last, by name."""
    heard_since = repr(await server_time(connection) - LIVES_S)
    names = await connection.command("ZRANGEBYSCORE", WORKERS, heard_since, "+inf")
    if not names:
        return ()
    facts = await connection.command("HMGET", _FACTS, *sorted(names))
    return tuple(read for data in facts if data and (read := _read(data)) is not None)


def _read(data: bytes) -> WorkerFacts | None:
    try:
        return _ADAPTER.validate_json(data)
    except ValidationError:
        # A worker of other code may say other things.
        return None


_ADAPTER = TypeAdapter(WorkerFacts)
