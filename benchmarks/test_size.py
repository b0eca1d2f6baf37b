"""Graphs of 5 to 5,000 modules in four shapes: what a task costs, and whether that grows with their number.

    uv run pytest --benchmark benchmarks/test_size.py

The model sleeps; state, events and checkpoints are real. What a task costs is told twice: the wall-clock
beyond the lower bound over the tasks, and the processor time of the orchestrator's process over the tasks,
which has the sleeping in it and Redis not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pytest

from benchmarks.peers.course import faults
from benchmarks.peers.peer import Run
from benchmarks.peers.subjects import ENGINE
from benchmarks.results import Results
from benchmarks.scale import Scale
from benchmarks.workload import SCALE, Shape, graph, list_schedule_s, lower_bound_s, plan

SIZES = {Scale.ONCE: (5,), Scale.QUICK: (5, 50, 500), Scale.FULL: (5, 50, 500, 5000)}
LARGE = 5000
"""In the quick scale, of the first shape alone."""
SLOTS = 16
MOST_WITH_SLOTS = {Scale.ONCE: 5, Scale.QUICK: 500, Scale.FULL: 5000}
"""How many modules are built with few slots, where the model's time is most of it."""
ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 3, Scale.FULL: 7}
SLOT_ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 1, Scale.FULL: 3}
MOST_A_TASK_S = 100e-6
FLAT_FROM = 50
"""The size over which larger ones are held."""
JUDGED = 500
BURSTS = (Shape.LAYERS, Shape.FAN)
"""Where a task is held against its limits. Where few tasks end at once, a trip to Redis serves few, every end
of one wakes the process by itself, and a long chain of them has to wait for each."""
MOST_GROWTH = 1.15
WARM = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one run: wall-clock over the bound; a task's seconds beyond it, and of the processor."""

    over_bound: float
    beyond_s: float
    per_task_s: float


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", list(Shape))
async def test_graphs(shape: Shape, scale: Scale, results: Results) -> None:
    """Wall-clock over the bound, processor time for each task, and how that grows."""
    sizes = SIZES[scale]
    if scale is Scale.QUICK and shape is Shape.LAYERS:
        sizes = (*sizes, LARGE)
    found: dict[int, list[Measured]] = {size: [] for size in sizes}
    async with ENGINE.opened() as run:
        await _measured(run, shape, WARM, None, scale)
        for _ in range(ROUNDS[scale]):
            for size in sizes:
                found[size].append(await _measured(run, shape, size, None, scale))
        _tell_costs(results, shape, {size: [one.per_task_s for one in many] for size, many in found.items()})
        for size, many in found.items():
            if size >= FLAT_FROM:
                _tell_beyond(results, shape, size, [one.beyond_s for one in many])
            case = f"{shape}, {size:,} modules, unlimited slots"
            ratios = [one.over_bound for one in many]
            results.ratio("Size", case, "async", ratios, over="lower bound", x=size)
            if size <= MOST_WITH_SLOTS[scale]:
                few = [await _measured(run, shape, size, SLOTS, scale) for _ in range(SLOT_ROUNDS[scale])]
                case = f"{shape}, {size:,} modules, {SLOTS} slots"
                ratios = [one.over_bound for one in few]
                results.ratio("Size", case, "async", ratios, over="list schedule", x=size)


def _tell_costs(results: Results, shape: Shape, costs: Mapping[int, Sequence[float]]) -> None:
    for size, values in costs.items():
        case = f"{shape}, {size:,} modules"
        results.figure("Size", case, "async", 1e6 * median(values), "us of processor a task", x=size)
        if size >= FLAT_FROM:
            over = [value / MOST_A_TASK_S for value in values]
            limit = 1.0 if size == JUDGED and shape in BURSTS else None
            results.ratio("Size", case, "async", over, over="100 us a task", at_most=limit, x=size)
        if size > FLAT_FROM:
            growth = [value / before for value, before in zip(values, costs[FLAT_FROM], strict=True)]
            subject = f"cost at {size:,}"
            results.ratio("Size", str(shape), subject, growth, over=f"at {FLAT_FROM}", at_most=MOST_GROWTH)


def _tell_beyond(results: Results, shape: Shape, size: int, values: Sequence[float]) -> None:
    case, subject = f"{shape}, {size:,} modules", "async, wall-clock beyond the bound"
    results.figure("Size", case, subject, 1e6 * median(values), "us a task", x=size)
    over = [value / MOST_A_TASK_S for value in values]
    limit = 1.0 if shape in BURSTS else None
    results.ratio("Size", case, subject, over, over="100 us a task", at_most=limit, x=size)


async def _measured(run: Run, shape: Shape, size: int, slots: int | None, scale: Scale) -> Measured:
    tasks = graph(plan(size, shape))
    pace = SCALE / 10 if scale is Scale.ONCE else SCALE
    bound_s = list_schedule_s(tasks, slots, pace) if slots else lower_bound_s(tasks, None, pace)
    course = await run(tasks, slots, pace)
    assert faults(course, tasks, slots, pace) == ()
    return Measured(
        course.wall_s / bound_s, (course.wall_s - bound_s) / len(tasks), course.cpu_s / len(tasks)
    )
