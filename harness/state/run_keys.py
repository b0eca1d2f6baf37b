"""Every key of a run, whatever is in it: for state in Redis that nothing else can read any more."""

from __future__ import annotations

import json
import re
from base64 import b64encode

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys
from async_arch.stored_document import as_text

__all__ = ["delete_keys", "dump_keys"]

_SPECIAL = re.compile(r"([\\*?\[\]^])")


async def dump_keys(connection: RedisConnection, run: str) -> bytes:
    """All keys of `run` as JSON: name and what DUMP gives, in base64, as RESTORE takes it."""
    dumped = {}
    for key in await _keys(connection, run):
        value = await connection.command("DUMP", key)
        if value is not None:
            dumped[as_text(key)] = b64encode(value).decode()
    return json.dumps(dumped, indent=2).encode()


async def delete_keys(connection: RedisConnection, run: str) -> None:
    """Delete all keys of `run`."""
    for key in await _keys(connection, run):
        await connection.command("DEL", key)


async def _keys(connection: RedisConnection, run: str) -> list[bytes]:
    pattern = _SPECIAL.sub(r"\\\1", RunKeys(run).prefix) + "*"
    found: set[bytes] = set()
    cursor = b"0"
    while True:
        cursor, keys = await connection.command("SCAN", cursor, "MATCH", pattern, "COUNT", "1000")
        found.update(keys)
        if cursor in (b"0", 0):
            return sorted(found)
