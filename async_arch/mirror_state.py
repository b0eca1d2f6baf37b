"""The blackboard as a JSON file that leads, and a mirror of it in Redis that follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agents.build import MirrorReport
from async_arch.document_mirror import MirrorFollower
from async_arch.json_state import JsonStateStore
from async_arch.redis_client import open_redis

__all__ = ["MirrorStateStore", "catch_up_s", "open_follower"]

_CATCH_UP_S = 10.0


class MirrorStateStore(JsonStateStore):
    """A `JsonStateStore` of which every state that was saved goes to Redis too, and is read back there.

    Once it is open it neither waits for Redis nor fails with it.
    """

    def __init__(self, path: Path, follower: MirrorFollower) -> None:
        super().__init__(path, on_saved=follower.offer)
        self._follower = follower

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, url: str, run: str) -> AsyncIterator[MirrorStateStore]:
        """The state of `run` in the file at `path`, mirrored on the server at `url`.

        Raises as `open_follower` does.
        """
        async with open_follower(url, run) as follower:
            yield cls(path, follower)

    async def mirrored(self, timeout_s: float) -> MirrorReport:
        """How the mirror kept up; where it is behind, it is waited for, so long at most."""
        return await self._follower.finish(timeout_s)


@asynccontextmanager
async def open_follower(url: str, run: str) -> AsyncIterator[MirrorFollower]:
    """A follower that mirrors the document of `run` on the server at `url`.

    A mirror that never was there is a mistake, which is told before anything is begun: raises as `open_redis`
    does. A server that goes away later is a matter of the mirror's report alone.
    """
    # What cannot be done now comes with the next state, so there is nothing to be patient for.
    async with open_redis(url, patience_s=0.0) as connection, MirrorFollower.on(connection, run) as follower:
        yield follower


def catch_up_s(patience_s: float) -> float:
    """How long a build that is over waits for its mirror, where Redis may be away for `patience_s`."""
    return min(patience_s, _CATCH_UP_S)
