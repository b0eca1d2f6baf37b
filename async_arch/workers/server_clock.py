"""The clock of Redis, by which all machines go: what each has of its own may tell another time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from async_arch.redis_client import RedisConnection

__all__ = ["ServerClock", "ahead_of_server", "server_time"]

_FIRST_LOOKS = 3
_WORSE_EACH_S = 1e-3
"""By how much a look is taken to be more wrong with each second: clocks do not run alike."""


@dataclass(frozen=True, slots=True)
class _Look:
    """The server's time at a moment of our clock, to within `error_s`."""

    at_s: float
    server_s: float
    error_s: float

    def server_at(self, at_s: float) -> float:
        """The server's time at another moment of our clock."""
        return self.server_s + at_s - self.at_s


class ServerClock:
    """What the clock of the server at the other end of `connection` tells, reckoned between two looks at it.

    `clock` counts the seconds in between. What was told is not told again as earlier, unless the server's
    clock was set.
    """

    def __init__(self, connection: RedisConnection, look: _Look, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._held = look
        self._clock = clock
        self._told = -inf

    @classmethod
    async def read(
        cls, connection: RedisConnection, clock: Callable[[], float] = time.monotonic
    ) -> ServerClock:
        """The clock of the server, looked at; `StateUnavailable` where it does not answer or refuses."""
        read = cls(connection, await _look(connection, clock), clock)
        for _ in range(_FIRST_LOOKS - 1):
            await read.look()
        return read

    def now(self) -> float:
        """Seconds since the epoch."""
        self._told = max(self._told, self._held.server_at(self._clock()))
        return self._told

    async def look(self) -> None:
        """Look at the server's clock, and hold on to what was seen if it is the better of the two looks.

        Raises as `read` does.
        """
        look, held = await _look(self._connection, self._clock), self._held
        error_s = held.error_s + _WORSE_EACH_S * (look.at_s - held.at_s)
        if abs(look.server_s - held.server_at(look.at_s)) > look.error_s + error_s:
            # It was set meanwhile, or another server has taken its place.
            self._held, self._told = look, -inf
        elif look.error_s <= error_s:
            self._held = look


async def server_time(connection: RedisConnection) -> float:
    """Seconds since the epoch, as the server tells them; raises as `ServerClock.read`."""
    seconds, microseconds = await connection.ask(connection.client.time)
    return float(seconds) + float(microseconds) / 1e6


async def ahead_of_server(connection: RedisConnection) -> float:
    """By how many seconds this machine's clock is ahead of the server's; raises as `ServerClock.read`."""
    clock = await ServerClock.read(connection)
    return time.time() - clock.now()


async def _look(connection: RedisConnection, clock: Callable[[], float]) -> _Look:
    async def once() -> _Look:
        began_s = clock()
        seconds, microseconds = await connection.client.time()
        half_s = (clock() - began_s) / 2
        return _Look(began_s + half_s, float(seconds) + float(microseconds) / 1e6, half_s)

    # Each time from the begin on: for how long it was away says nothing of its clock.
    return await connection.ask(once)
