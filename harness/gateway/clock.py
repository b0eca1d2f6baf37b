"""The gateway's clock: where every time in a record comes from."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "MonotonicClock"]


class Clock(Protocol):
    """A clock that only goes forward."""

    def now_s(self) -> float:
        """Seconds since a moment of the clock's own choice."""
        ...

    def wall(self) -> datetime:
        """The time of day, in UTC, for stamps that people read; never subtracted."""
        ...

    async def sleep_until(self, when_s: float) -> None:
        """Return when the clock shows `when_s`, at once when it is past."""
        ...


class MonotonicClock:
    """The machine's monotonic clock, the one that asyncio's timers run on."""

    def now_s(self) -> float:
        return time.monotonic()

    def wall(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, when_s: float) -> None:
        # Even a moment that is past yields to the loop: a stream that is late must not starve the others.
        await asyncio.sleep(max(0.0, when_s - self.now_s()))
