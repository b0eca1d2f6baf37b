"""A clock that a test moves; whoever sleeps on it wakes at once, with the clock moved on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


class ManualClock:
    """A `Clock` that shows `now`, and moves only by hand or by being slept on."""

    def __init__(self) -> None:
        self.now = 100.0

    def now_s(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)

    async def sleep_until(self, when_s: float) -> None:
        await asyncio.sleep(0)
        self.now = max(self.now, when_s)
