"""The document of a run as Redis has it, or why there is none to be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis.exceptions

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys
from async_arch.redis_reads import read_document
from async_arch.state_store import NoState, StateUnavailable
from harness.errors import SurroundingsError

__all__ = ["StoredBroken", "read_stored", "reading"]


class StoredBroken(SurroundingsError):
    """What lies in Redis under the keys of a run is no document."""


async def read_stored(connection: RedisConnection, run: str) -> dict[str, object] | None:
    """The document of `run`; None where it has none. Raises `StoredBroken`, and `StateUnavailable`."""
    with reading(run):
        try:
            return (await read_document(connection, RunKeys(run))).value
        except NoState:
            return None


@contextmanager
def reading(run: str) -> Iterator[None]:
    """Raise `StoredBroken` where the document of `run` turns out to be none."""
    problem = f"run {run} in Redis is no document"
    try:
        yield
    except StateUnavailable as error:
        # A key of another type than ours: the server answers, and will never answer otherwise.
        if isinstance(error.__cause__, redis.exceptions.ResponseError) and "WRONGTYPE" in str(error):
            raise StoredBroken(f"{problem}: a key has another type") from error
        raise
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise StoredBroken(f"{problem}: {error or type(error).__name__}") from error
