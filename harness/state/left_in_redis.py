"""What a run left in Redis, read by the harness itself: an engine's word for it is what is being tested."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from async_arch.redis_client import open_redis
from async_arch.redis_keys import RunKeys
from async_arch.state_store import StateUnavailable
from async_arch.stored_document import as_text
from harness.state.stored_board import StoredBroken, read_stored

__all__ = ["LeftInRedis", "left_in_redis"]

_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class LeftInRedis:
    """The document of a run, None where there is none; the SHA-256 of each file by path; the ended tasks.

    Of each task stands the cause of its failure, empty where it did not fail.
    """

    document: dict[str, object] | None
    files: Mapping[str, str]
    tasks: Mapping[str, str]


async def left_in_redis(url: str, run: str) -> LeftInRedis | None:
    """What `run` left on the server at `url`; None where that does not answer."""
    keys = RunKeys(run)
    try:
        async with asyncio.timeout(_TIMEOUT_S), open_redis(url, patience_s=0.0) as connection:
            try:
                document = await read_stored(connection, run)
            except StoredBroken:
                document = None
            files = await connection.command("HGETALL", keys["files"])
            tasks = await connection.command("HGETALL", keys["tasks"])
    except (StateUnavailable, TimeoutError):
        return None
    digests = {as_text(path): sha256(content).hexdigest() for path, content in files.items()}
    causes = {as_text(task): _cause(checkpoint) for task, checkpoint in tasks.items()}
    return LeftInRedis(document, digests, causes)


def _cause(checkpoint: bytes) -> str:
    try:
        told = json.loads(checkpoint)
    except ValueError:
        return "not to be read"
    return str(told.get("cause", "")) if isinstance(told, dict) else "not to be read"
