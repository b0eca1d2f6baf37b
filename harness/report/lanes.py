"""The calls of a run as bars in lanes, as many lanes as calls were generating at once."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from harness.record import TimelineSpan

__all__ = ["Bar", "bars_in_lanes"]


@dataclass(frozen=True, slots=True)
class Bar:
    """One call that had a slot; times are seconds since the run's begin."""

    lane: int
    """From 0; a lane holds one call at a time."""
    start_s: float
    end_s: float
    queued_s: float
    role: str
    module: str | None
    attempt: int
    failed: bool


def bars_in_lanes(timeline: Sequence[TimelineSpan]) -> tuple[Bar, ...]:
    """The calls of `timeline` that had a slot, in the order in which they got it, each in the lowest lane."""
    bars: list[Bar] = []
    busy: list[tuple[float, int]] = []
    free: list[int] = []
    lanes = 0
    granted = [(span.granted_s, span) for span in timeline if span.granted_s is not None]
    for start_s, span in sorted(granted, key=lambda pair: pair[0]):
        while busy and busy[0][0] <= start_s:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            lane = heapq.heappop(free)
        else:
            lane, lanes = lanes, lanes + 1
        heapq.heappush(busy, (span.end_s, lane))
        bars.append(
            Bar(
                lane,
                start_s,
                span.end_s,
                start_s - span.arrival_s,
                span.role,
                span.module,
                span.attempt,
                span.status != 200,
            )
        )
    return tuple(bars)
