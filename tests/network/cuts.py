"""Where connections break."""

from __future__ import annotations

import random

__all__ = ["Cuts"]


class Cuts:
    """A break after a number of bytes that is drawn anew each time, `mean_bytes` on average.

    Bytes of all connections and both directions count, so one comes anywhere: in a command, in a reply, or
    between a command that was done and its reply.
    """

    def __init__(self, mean_bytes: int, seed: int) -> None:
        self.made = 0
        self._longest = 2 * mean_bytes
        self._random = random.Random(seed)  # noqa: S311 (nothing to guess)
        self._left = self._draw()

    def before(self, length: int) -> int | None:
        """How many of the next `length` bytes pass before a break; None where none comes in them."""
        if length < self._left:
            self._left -= length
            return None
        passed, self._left = self._left, self._draw()
        self.made += 1
        return passed

    def _draw(self) -> int:
        return self._random.randint(1, self._longest)
