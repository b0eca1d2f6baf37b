"""What orchestration adds: the model is an awaitable that sleeps; state, events and checkpoints are real.

    uv run pytest --benchmark benchmarks/test_orchestration.py

Each in a process of its own, in turns with a scheduler that does nothing but to schedule, the floor.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.peers.subjects import ENGINE, FLOOR
from benchmarks.peers.turns import Case, in_turns
from benchmarks.results import Results
from benchmarks.scale import Scale
from benchmarks.workload import SCALE

PROMISES: Mapping[Case, float] = {
    Case(5, 4): 1.04,
    Case(50, None): 1.05,
    Case(50, 16): 1.13,
    Case(500, None): 1.15,
}
ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 5, Scale.FULL: 25}
ONCE_SCALE = 0.002

REAL = Case(5, 4)
REAL_PROMISE = 1.01
REAL_ROUNDS = 4


async def test_over_the_lower_bound(scale: Scale, results: Results) -> None:
    """All times a fiftieth of real ones, so that what is added shows."""
    subjects = [ENGINE] if scale is Scale.ONCE else [*FLOOR, ENGINE]
    for case, promise in list(PROMISES.items())[: 1 if scale is Scale.ONCE else None]:
        found = await in_turns(subjects, case, ROUNDS[scale], ONCE_SCALE if scale is Scale.ONCE else SCALE)
        for subject in subjects:
            at_most = promise if subject is ENGINE else None
            values = found[subject.name]
            results.ratio(
                "Orchestration", str(case), subject.name, values, over="lower bound", at_most=at_most
            )


async def test_at_real_durations(scale: Scale, results: Results) -> None:
    """Seconds, as a model takes: in the full scale alone."""
    if scale is not Scale.FULL:
        return
    found = await in_turns([ENGINE], REAL, REAL_ROUNDS, 1.0)
    results.ratio(
        "Orchestration",
        f"{REAL}, real durations",
        ENGINE.name,
        found[ENGINE.name],
        over="lower bound",
        at_most=REAL_PROMISE,
    )
