"""Timestamps as blackboards and events have them."""

from __future__ import annotations

import time
from datetime import datetime
from functools import lru_cache

__all__ = ["timestamp", "timestamp_at"]


def timestamp() -> str:
    """The local time as an ISO timestamp with milliseconds and offset."""
    return _timestamp(time.time_ns() // 1_000_000)


def timestamp_at(seconds: float) -> str:
    """The timestamp of a moment, in seconds since the epoch."""
    return _timestamp(int(seconds * 1000))


# Tasks that begin and end together ask many times within a millisecond.
@lru_cache(maxsize=2)
def _timestamp(ms: int) -> str:
    date, offset = _local(ms // 1000)
    return f"{date}.{ms % 1000:03d}{offset}"


@lru_cache(maxsize=2)
def _local(second: int) -> tuple[str, str]:
    """The local time of a second since the epoch, and its offset, as they stand in a timestamp."""
    text = datetime.fromtimestamp(second).astimezone().isoformat(timespec="seconds")
    return text[:19], text[19:]
