"""Many builds at once in one process: how many a second, what each takes of memory, and whether all get on.

uv run pytest --benchmark benchmarks/test_many_builds.py
"""

from __future__ import annotations

from statistics import median

import pytest

from benchmarks.many_builds import Crowd, build_at_once
from benchmarks.results import Results
from benchmarks.scale import Scale
from benchmarks.workload import SCALE

SCENARIO = "Many builds"
SIZES = {Scale.ONCE: (2,), Scale.QUICK: (1, 10, 100, 500), Scale.FULL: (1, 10, 100, 500)}
MODULES = 5
PLACES = 64
REAL = 0.2
"""Of real durations: what the builds of this scenario wait for. 500 of them keep 64 places busy for 30 s."""
ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 1, Scale.FULL: 5}
MOST_MB = 1000.0
MOST_TOGETHER = 500
GIANT = {Scale.ONCE: 5, Scale.QUICK: 200, Scale.FULL: 500}
FEW_PLACES = 16
MOST_BESIDE_GIANT = 2.0
"""No task is interrupted: each step of the small one waits for one of the giant to end, at most."""


@pytest.mark.timeout(1800)
async def test_at_once(scale: Scale, results: Results) -> None:
    """Wall-clock over the lower bound, builds a second, and megabytes a build."""
    for builds in SIZES[scale]:
        crowd = Crowd(builds, MODULES, PLACES, SCALE / 10 if scale is Scale.ONCE else SCALE)
        if scale is Scale.FULL:
            crowd = Crowd(builds, MODULES, PLACES, REAL)
        took = [await build_at_once(crowd) for _ in range(ROUNDS[scale])]
        case = f"{builds} builds of {MODULES} modules, {PLACES} slots"
        ratios = [one.wall_s / crowd.lower_bound_s for one in took]
        results.ratio(SCENARIO, case, "async", ratios, over="lower bound", x=builds)
        rate = median(builds / one.wall_s for one in took)
        results.figure(SCENARIO, case, "async", rate, "builds/s", x=builds)
        cpu_ms = 1000 * median(one.cpu_s for one in took) / builds
        results.figure(SCENARIO, case, "async", cpu_ms, "ms of processor a build", x=builds)
        grown = median(one.most_mb - one.began_mb for one in took) / builds
        results.figure(SCENARIO, case, "async", grown, "MB a build", x=builds)
        most = [one.most_mb / MOST_MB for one in took]
        promise = 1.0 if builds == MOST_TOGETHER else None
        results.ratio(SCENARIO, case, "memory of the process", most, over="1 GB", at_most=promise, x=builds)


@pytest.mark.timeout(1800)
async def test_beside_a_giant(scale: Scale, results: Results) -> None:
    """A small build that comes while a giant one has all places, over the same build alone."""
    pace = SCALE / 10 if scale is Scale.ONCE else REAL / 2
    alone = Crowd(1, MODULES, FEW_PLACES, pace)
    beside = Crowd(1, MODULES, FEW_PLACES, pace, GIANT[scale])
    ratios = []
    for _ in range(max(ROUNDS[scale], 1 if scale is Scale.ONCE else 2)):
        before = await build_at_once(alone)
        ratios.append((await build_at_once(beside)).longest_s / before.longest_s)
    case = f"{MODULES} modules beside {GIANT[scale]}, {FEW_PLACES} slots"
    promise = None if scale is Scale.ONCE else MOST_BESIDE_GIANT
    results.ratio(SCENARIO, case, "the small one", ratios, over="alone", at_most=promise)
