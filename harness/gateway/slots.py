"""The slots of a model: how many calls it works on at once; the others queue, first come first served."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Slots"]


class Slots:
    """A number of slots and the queue for them."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"a model has at least 1 slot, not {count}")
        self._free = count
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many calls queue for a slot."""
        return sum(not place.done() for place in self._queue)

    @asynccontextmanager
    async def granted(self) -> AsyncIterator[None]:
        """Wait for a slot in the order of arrival, and hold it for the length of the block."""
        await self._take()
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self) -> None:
        # A slot is only free while nobody queues: `_pass_on` hands it straight to the next in line.
        if self._free:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place in self._queue:
                self._queue.remove(place)
            elif not place.cancelled():
                # The slot was granted in the very moment the wait was cancelled.
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1
