"""How a queue stands: how many tasks wait, how many workers have, and whose leases are about to lapse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from async_arch.redis_client import RedisConnection

__all__ = ["LateLease", "QueueStanding", "queue_standing"]

_GROUP = "docket-workers"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class LateLease:
    """A lease of a task that its worker has not renewed for `silent_s`, longer than it should."""

    worker: str
    silent_s: float


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """`waiting` tasks that no worker has begun, `underway` that workers have; those parked are in neither."""

    waiting: int = 0
    underway: int = 0
    late: Sequence[LateLease] = ()


async def queue_standing(connection: RedisConnection, name: str, takeover_s: float) -> QueueStanding:
    """How the queue of this name stands; a lease is late after half of `takeover_s`."""
    stream = f"{name}:stream"
    # Without the first worker there is no group, and to ask about it is an error.
    if not await connection.command("EXISTS", stream):
        return QueueStanding()
    groups = await connection.command("XINFO", "GROUPS", stream)
    if not any(_GROUP.encode() in group for group in groups):
        return QueueStanding(waiting=await connection.command("XLEN", stream))
    # Docket takes what has ended out of the stream.
    entries = await connection.command("XLEN", stream)
    underway = (await connection.command("XPENDING", stream, _GROUP))[0]
    silent_ms = str(int(takeover_s * 500))
    rows = await connection.command("XPENDING", stream, _GROUP, "IDLE", silent_ms, "-", "+", str(_MOST))
    late = tuple(LateLease(consumer.decode(), idle / 1000) for _, consumer, idle, _ in rows)
    return QueueStanding(max(0, entries - underway), underway, late)
