"""How a queue stands: how many tasks wait, how many workers have, and whose leases are about to lapse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    stream, client = f"{name}:stream", connection.client
    # Without the first worker there is no group, and to ask about it is an error.
    if not await connection.command("EXISTS", stream):
        return QueueStanding()
    # Docket takes out of the stream what has ended.
    entries = await connection.ask(lambda: client.xlen(stream))
    groups = await connection.ask(lambda: client.xinfo_groups(stream))
    if not any(group["name"] == _GROUP.encode() for group in groups):
        return QueueStanding(waiting=entries)
    pending = await connection.ask(lambda: client.xpending(stream, _GROUP))
    silent_ms = int(takeover_s * 1000 / 2)
    rows: Any = await connection.ask(
        lambda: client.xpending_range(stream, _GROUP, "-", "+", _MOST, idle=silent_ms)
    )
    late = tuple(LateLease(row["consumer"].decode(), row["time_since_delivered"] / 1000) for row in rows)
    underway = int(pending["pending"])
    return QueueStanding(max(0, entries - underway), underway, late)
