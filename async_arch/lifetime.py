"""The lifetime of a run that has begun: how long its keys stay after its last write, changed."""

from __future__ import annotations

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import SUFFIXES, RunKeys
from async_arch.redis_scripts import KEYS

__all__ = ["keep"]


async def keep(connection: RedisConnection, keys: RunKeys, lifetime_s: int) -> None:
    """Let the keys of a run stay for `lifetime_s` from now and from each further write; FOR_EVER for ever."""
    await connection.command("HSET", keys["meta"], "lifetime_s", str(lifetime_s))
    await connection.script(KEYS, keys["meta"], "expire", *SUFFIXES)
