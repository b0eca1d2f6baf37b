"""How often, and after what pause, a call is made again that failed for a reason which may pass."""

from __future__ import annotations

__all__ = ["MAX_RETRIES", "PASSING_STATUSES", "backoff_s"]

MAX_RETRIES = 3
"""How often one request is made again before it has failed for good."""

PASSING_STATUSES = frozenset({500, 502, 503})
"""The statuses that tell of the moment and not of the request; 504 is a time-out, and the time is used up."""

_BASE_S = 0.25
_CAP_S = 4.0
_MOST_DOUBLINGS = 10


def backoff_s(retry: int, jitter: float) -> float:
    """The pause before the retry of number `retry` (from 1), in seconds; before the first try (0) none.

    It doubles from a quarter of a second up to four; half of it is fixed and half is drawn by `jitter`, from
    0 up to 1, so that engines which failed together do not come back together ("equal jitter" in M. Brooker,
    Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
    """
    if retry < 1:
        return 0.0
    doublings = min(retry - 1, _MOST_DOUBLINGS)
    longest_s = min(_CAP_S, _BASE_S * (1 << doublings))
    return longest_s * (1 + jitter) / 2
