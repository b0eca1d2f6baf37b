"""The Redis with the mirrors: a server at a URL, or an embedded one that all commands on a store share.

The data of the embedded server is in `<store>/redis/mirror/`, where one server at a time can run. Whichever
command comes first starts it, and writes its URL beside the data; those that come meanwhile join. It goes
with the command that started it, and the first of the others to miss it starts one again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from async_arch.document_mirror import MirrorDrift
from async_arch.embedded_redis import RedisDataHeld, RedisUnavailable, embedded_redis
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.state_store import NoState, StateUnavailable
from harness.errors import BadInputError, SurroundingsError

__all__ = ["EMBEDDED", "MirrorRedis"]

EMBEDDED = "embedded"

_URL_FILE = "server-url"
_PATIENCE_S = 10.0
_LOCAL_PATIENCE_S = 0.5
"""A server on a private socket that has gone does not come back there."""
_START_S = 15.0
"""How long a server may take to come, to answer or to go."""
_LOOK_AGAIN_S = 0.05
_TRIES = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Opened:
    connection: RedisConnection
    stack: AsyncExitStack


class MirrorRedis:
    """The server, opened; it is asked through `ask`, which outlives a change of servers."""

    def __init__(self, choice: str, data_dir: Path, patience_s: float) -> None:
        self._choice = choice
        self._data_dir = data_dir
        self._patience_s = patience_s
        self._opened: _Opened | None = None
        self._changing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, choice: str, store: Path, *, patience_s: float = _PATIENCE_S, data_dir: Path | None = None
    ) -> AsyncIterator[MirrorRedis]:
        """The server that `choice` names (`embedded`, or a URL); `SurroundingsError` where it is lost.

        An embedded one has the mirrors of `store`, or what is in `data_dir`.
        """
        redis = cls(choice, data_dir or _mirrors_of(store), patience_s)
        try:
            redis._opened = await redis._open()
            yield redis
        except StateUnavailable as error:
            raise SurroundingsError(str(error)) from error
        finally:
            if redis._opened is not None:
                await redis._opened.stack.aclose()

    async def ask(self, work: Callable[[RedisConnection], Awaitable[T]]) -> T:
        """What `work` gives, which is begun anew where the server has gone: it must be able to bear that."""
        for left in reversed(range(_TRIES)):
            opened = self._opened or await self._reopened(None)
            try:
                return await work(opened.connection)
            except (NoState, MirrorDrift):
                raise
            except StateUnavailable:
                if self._choice != EMBEDDED or not left or await _answers(opened.connection):
                    raise
                await self._reopened(opened)
        raise AssertionError("unreachable")

    async def _reopened(self, lost: _Opened | None) -> _Opened:
        """The server after `lost`, which somebody else may have noticed first."""
        async with self._changing:
            if self._opened is None or self._opened is lost:
                self._opened = None
                if lost is not None:
                    await lost.stack.aclose()
                self._opened = await self._open()
            return self._opened

    async def _open(self) -> _Opened:
        async with AsyncExitStack() as stack:
            try:
                if self._choice == EMBEDDED:
                    connection = await self._start_or_join(stack)
                else:
                    opening = open_redis(self._choice, patience_s=self._patience_s)
                    connection = await stack.enter_async_context(opening)
            except RedisUnavailable as error:
                raise StateUnavailable(str(error)) from error
            except ValueError as error:
                # Its words may hold the URL, and that a password.
                raise BadInputError(
                    "--redis: is neither embedded nor a URL of redis://, rediss:// or unix://"
                ) from error
            return _Opened(connection, stack.pop_all())

    async def _start_or_join(self, stack: AsyncExitStack) -> RedisConnection:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _START_S
        while True:
            try:
                server = await stack.enter_async_context(embedded_redis(data_dir=self._data_dir))
            except RedisDataHeld:
                with suppress(StateUnavailable, FileNotFoundError):
                    url = (self._data_dir / _URL_FILE).read_text(encoding="utf-8")
                    return await stack.enter_async_context(open_redis(url, patience_s=_LOCAL_PATIENCE_S))
                # Its owner is starting or ending it.
                if loop.time() > deadline:
                    raise
                await asyncio.sleep(_LOOK_AGAIN_S)
            else:
                connection = await stack.enter_async_context(
                    open_redis(server.url, patience_s=_LOCAL_PATIENCE_S)
                )
                # Taken away before the server goes: nobody is to join one that is going.
                stack.callback(self._tell(server.url).unlink, missing_ok=True)
                return connection

    def _tell(self, url: str) -> Path:
        path = self._data_dir / _URL_FILE
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_text(url, encoding="utf-8")
        return temporary.replace(path)


def _mirrors_of(store: Path) -> Path:
    return store.absolute() / "redis" / "mirror"


async def _answers(connection: RedisConnection) -> bool:
    """Whether the server is there, whatever it would not do."""
    try:
        await replace(connection, patience_s=0.0).command("PING")
    except StateUnavailable:
        return False
    return True
