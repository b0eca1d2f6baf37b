"""The lifetime of runs: their beginning, and how long their keys stay after the last write."""

from __future__ import annotations

from redis.asyncio.client import Pipeline

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import SUFFIXES, RunKeys
from async_arch.redis_scripts import KEYS

__all__ = ["ask_to_begin", "begin", "keep"]

_SCHEMA = "2"


async def begin(connection: RedisConnection, keys: RunKeys, lifetime_s: int) -> None:
    """Make sure that there is a document of this run; one that is not there yet begins empty.

    Its keys stay for `lifetime_s` after its last write, where nobody has said otherwise before.
    """

    async def ask() -> None:
        async with connection.client.pipeline(transaction=True) as pipe:
            ask_to_begin(pipe, keys, lifetime_s)
            await pipe.execute()

    await connection.ask(ask)


def ask_to_begin(pipe: Pipeline, keys: RunKeys, lifetime_s: int) -> None:
    """Put into `pipe` what begins a document."""
    pipe.hsetnx(keys["meta"], "lifetime_s", str(lifetime_s))
    pipe.hsetnx(keys["meta"], "schema", _SCHEMA)
    if lifetime_s:
        pipe.expire(keys["meta"], lifetime_s)


async def keep(connection: RedisConnection, keys: RunKeys, lifetime_s: int) -> None:
    """Let the keys of a run stay for `lifetime_s` from now and from each further write; FOR_EVER for ever."""
    await connection.command("HSET", keys["meta"], "lifetime_s", str(lifetime_s))
    await connection.script(KEYS, keys["meta"], "expire", *SUFFIXES)
