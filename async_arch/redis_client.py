"""The connection to Redis: opened once, and patient while the server is away."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import hiredis
import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from async_arch.redis_scripts import Script
from async_arch.state_store import StateUnavailable

__all__ = ["DEFAULT_PATIENCE_S", "RedisConnection", "cancellable", "open_redis", "redacted"]

DEFAULT_PATIENCE_S = 120.0
"""How long a server may be away before what waits for it fails."""

_ANSWER_TIMEOUT_S = 10.0
_CONNECTIONS = 32
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 1.0

_QUERIED_PASSWORD = re.compile(r"([?&]password=)[^&#]*")

T = TypeVar("T")

_REFUSED = (
    redis.exceptions.AuthenticationError,
    redis.exceptions.AuthorizationError,
    redis.exceptions.NoPermissionError,
)
_AWAY = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    # A server that is loading, has no room or has another master for the moment.
    redis.exceptions.BusyLoadingError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.MasterDownError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
    OSError,
)


def redacted(url: str) -> str:
    """`url` without its password, in whichever of the two places where it may stand."""
    url = _QUERIED_PASSWORD.sub(r"\1***", url)
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


async def cancellable(work: Awaitable[T]) -> T:
    """The result of `work` of the client, unless this task was asked to stop meanwhile.

    The client sends through asyncio.wait_for, which in Python 3.11 can swallow a cancellation.
    """
    task = asyncio.current_task()
    asked = task.cancelling() if task else 0
    try:
        return await work
    finally:
        if task is not None and task.cancelling() > asked:
            raise asyncio.CancelledError


@dataclass(frozen=True, slots=True)
class RedisConnection:
    """A client of one server, and how long to wait while that is away."""

    client: redis.asyncio.Redis
    url: str
    patience_s: float = DEFAULT_PATIENCE_S

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """The answer to `question`, asked again after growing pauses while the server is away.

        It must be one that can be asked twice. Raises `StateUnavailable` where the server stays away for
        longer than `patience_s` or refuses.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience_s
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await cancellable(question())
            except _REFUSED as error:
                raise StateUnavailable(f"Redis at {redacted(self.url)} refuses: {_reason(error)}") from error
            except _AWAY as error:
                left_s = deadline - loop.time()
                if left_s <= 0:
                    raise StateUnavailable(self._absence(error)) from error
            except redis.exceptions.ResponseError as error:
                raise StateUnavailable(f"Redis at {redacted(self.url)} refuses: {_reason(error)}") from error
            except redis.exceptions.InvalidResponse as error:
                where = redacted(self.url)
                raise StateUnavailable(f"what answers at {where} is no Redis: {_reason(error)}") from error
            # Jitter, since many clients lose one server at one moment.
            await asyncio.sleep(min(left_s, pause_s * random.uniform(0.5, 1.0)))  # noqa: S311
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def command(self, *parts: bytes | str) -> Any:
        """The answer to one command, which must be one that can be given twice; raises as `ask` does."""
        return await self.ask(lambda: self.client.execute_command(*parts))  # type: ignore[no-untyped-call]

    async def script(self, script: Script, key: str, *args: bytes | str) -> Any:
        """The answer of a script that works on `key` and can be run twice; raises as `ask` does."""
        return await self.ask(lambda: script.run(self.client, key, *args))

    def _absence(self, error: Exception) -> str:
        waited = f" for {self.patience_s:g} s" if self.patience_s else ""
        return f"no answer from Redis at {redacted(self.url)}{waited}: {_reason(error)}"


class _PackedInC:
    """A connection whose commands hiredis puts together: in Python, that is much of what a write costs."""

    encoder: Any

    def pack_command(self, *args: Any) -> list[bytes]:
        """The command as the protocol has it; a command of two words is given as one text."""
        name = args[0].encode() if isinstance(args[0], str) else args[0]
        parts = [part if type(part) is bytes else self.encoder.encode(part) for part in args[1:]]
        return [hiredis.pack_command((*name.split(), *parts))]


class _Connection(_PackedInC, redis.asyncio.Connection):
    pass


class _TlsConnection(_PackedInC, redis.asyncio.SSLConnection):
    pass


class _SocketConnection(_PackedInC, redis.asyncio.UnixDomainSocketConnection):
    pass


_CONNECTION_CLASSES = {"redis": _Connection, "rediss": _TlsConnection, "unix": _SocketConnection}


@asynccontextmanager
async def open_redis(
    url: str, *, patience_s: float = DEFAULT_PATIENCE_S, answer_timeout_s: float = _ANSWER_TIMEOUT_S
) -> AsyncIterator[RedisConnection]:
    """A connection to the server at `url` (redis://, rediss:// or unix://) that has answered a PING.

    A server that is away now is not waited for: nothing has begun. Answers are bytes. Raises
    `StateUnavailable` where none answers, ValueError where `url` is not one.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        # RESP2 is what every server speaks, and what the client's return shapes are made for.
        protocol=2,
        # Names of modules are in keys, and JSON can write half a surrogate pair: see `as_bytes`.
        encoding_errors="surrogatepass",
        max_connections=_CONNECTIONS,
        timeout=answer_timeout_s,
        socket_timeout=answer_timeout_s,
        socket_connect_timeout=min(5.0, answer_timeout_s),
        # Whether a question may be asked again is known here alone.
        retry=Retry(NoBackoff(), 0),
    )
    # The scheme is one of these: `from_url` takes no other.
    pool.connection_class = _CONNECTION_CLASSES[urlsplit(url).scheme]
    async with redis.asyncio.Redis(connection_pool=pool) as client:
        try:
            await RedisConnection(client, url, patience_s=0.0).ask(client.ping)
            yield RedisConnection(client, url, patience_s)
        finally:
            await pool.disconnect()


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
