"""The document of a run as Redis has it, or why there is none to be had."""

from __future__ import annotations

import redis.exceptions

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys
from async_arch.redis_reads import read_document
from async_arch.state_store import NoState, StateUnavailable

__all__ = ["StoredBroken", "read_stored"]


class StoredBroken(Exception):
    """What lies in Redis under the keys of a run is no document."""


async def read_stored(connection: RedisConnection, run: str) -> dict[str, object] | None:
    """The document of `run`; None where it has none. Raises `StoredBroken`, and `StateUnavailable`."""
    try:
        return (await read_document(connection, RunKeys(run))).value
    except NoState:
        return None
    except StateUnavailable as error:
        # A key of another type than ours: the server answers, and will never answer otherwise.
        if isinstance(error.__cause__, redis.exceptions.ResponseError) and "WRONGTYPE" in str(error):
            raise StoredBroken(f"run {run} in Redis is no document: a key has another type") from error
        raise
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise StoredBroken(f"run {run} in Redis is no document: {error or type(error).__name__}") from error
