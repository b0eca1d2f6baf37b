"""The schedule of calls on a model that slows down as it generates more at once."""

from __future__ import annotations

import heapq

from harness.doctor.curve import Beyond
from harness.doctor.fleet import Fleet
from harness.doctor.workload import Workload

__all__ = ["path_s", "scheduled_s", "sequential_s"]

_SAME_MOMENT = 1 + 1e-9
"""Sums in another order differ by less."""


def sequential_s(work: Workload, fleet: Fleet) -> float:
    """How long the calls take one after the other."""
    return sum(fleet.duration_s(call, 1) for call in work.calls)


def path_s(work: Workload, fleet: Fleet) -> float:
    """How long the longest chain of calls takes that wait for each other, with nothing beside it."""
    return max(_paths(work, fleet), default=0.0)


def scheduled_s(work: Workload, fleet: Fleet, slots: int, beyond: Beyond = Beyond.TREND) -> float:
    """How long the calls take on `slots` slots, the longest path first.

    While n of them are generated, each goes on at the pace of n: whenever one begins or ends, the others
    become slower or faster for what is left of them.
    """
    paths = _paths(work, fleet)
    followers = _followers(work)
    missing = [len(waits) for waits in work.waits_for]
    ready = [(-paths[index], index) for index, count in enumerate(missing) if not count]
    heapq.heapify(ready)
    left: dict[int, float] = {}
    """Of each call that is generated, the share that is not there yet."""
    durations: dict[int, list[float]] = {}
    now_s = 0.0
    while ready or left:
        while ready and len(left) < slots:
            _, index = heapq.heappop(ready)
            left[index] = 1.0
        at_once = len(left)
        if at_once not in durations:
            durations[at_once] = [fleet.duration_s(call, at_once, beyond) for call in work.calls]
        takes = durations[at_once]
        step_s = min(share * takes[index] for index, share in left.items())
        now_s += step_s
        ended = [index for index, share in left.items() if share * takes[index] <= step_s * _SAME_MOMENT]
        for index in left:
            left[index] -= step_s / takes[index] if takes[index] else 1.0
        for index in ended:
            del left[index]
            for follower in followers[index]:
                missing[follower] -= 1
                if not missing[follower]:
                    heapq.heappush(ready, (-paths[follower], follower))
    return now_s


def _followers(work: Workload) -> list[list[int]]:
    followers: list[list[int]] = [[] for _ in work.calls]
    for index, waits in enumerate(work.waits_for):
        for before in waits:
            followers[before].append(index)
    return followers


def _paths(work: Workload, fleet: Fleet) -> list[float]:
    """From the begin of each call to the end of the last one that waits for it, each as if alone."""
    followers = _followers(work)
    paths = [0.0] * len(work.calls)
    for index in reversed(range(len(paths))):
        behind_s = max((paths[follower] for follower in followers[index]), default=0.0)
        paths[index] = fleet.duration_s(work.calls[index], 1) + behind_s
    return paths
