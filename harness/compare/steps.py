"""The steps of a run: how soon after the end of one call the next was made."""

from __future__ import annotations

from bisect import bisect_right
from statistics import median

from harness.record import RunRecord

__all__ = ["LEAST_STEPS", "median_step_s"]

LEAST_STEPS = 10
"""Of fewer, a median says nothing."""


def median_step_s(record: RunRecord) -> float | None:
    """The median time from the last end of a call to the next call, but for calls made after one that failed.

    A healthy engine makes a call because another has ended, be it one that it needs or one that held a place;
    so this is never more than what a step takes. None where there are too few steps.
    """
    ends = sorted((call.end_s, call.error is None) for call in record.calls)
    steps = []
    for call in record.calls:
        place = bisect_right(ends, (call.arrival_s, True)) - 1
        if place >= 0 and ends[place][1]:
            steps.append(call.arrival_s - ends[place][0])
    return median(steps) if len(steps) >= LEAST_STEPS else None
