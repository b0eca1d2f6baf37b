"""The pace of a host: how long it takes for a call, and for a token of its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["Pace", "output_tokens", "relative_paces"]

_WEIGHT_OF_THE_LAST = 0.2
_COUNT = re.compile(rb'"eval_count"\s*:\s*([0-9]{1,9})')


class Pace:
    """Exponential averages over the calls that a host has answered; None before the first."""

    def __init__(self) -> None:
        self.per_call_s: float | None = None
        self.per_token_s: float | None = None

    def note(self, seconds: float, tokens: int | None) -> None:
        """Take note of a call that held its slot for `seconds`, and of its output tokens where known."""
        self.per_call_s = _averaged(self.per_call_s, seconds)
        if tokens:
            self.per_token_s = _averaged(self.per_token_s, seconds / tokens)


def _averaged(before: float | None, now: float) -> float:
    return now if before is None else before + _WEIGHT_OF_THE_LAST * (now - before)


def relative_paces(paces: Iterable[Pace]) -> list[float]:
    """The seconds that each takes, to be held against each other.

    By token where that is known of all that have answered, as calls differ in length; one that has not is
    taken for the fastest, so that it is tried.
    """
    measured = list(paces)
    by_token = all(pace.per_token_s for pace in measured if pace.per_call_s is not None)
    seconds = [pace.per_token_s if by_token else pace.per_call_s for pace in measured]
    fastest = min((known for known in seconds if known is not None), default=1.0)
    return [fastest if known is None else known for known in seconds]


def output_tokens(tail: bytes) -> int | None:
    """The model's own count of its output, from the last bytes of an answer; None where it is not there."""
    counts = _COUNT.findall(tail)
    return int(counts[-1]) if counts else None
