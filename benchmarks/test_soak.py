"""Half an hour of builds, 2 % of their calls spoilt: nothing grows, and no result is wrong.

uv run pytest --benchmark-full benchmarks/test_soak.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import pytest

from benchmarks.results import Results
from benchmarks.scale import Scale
from benchmarks.soak import Sample, Soak, soak

SCENARIO = "Soak"
SOAKS = {
    Scale.ONCE: Soak(0.1, at_once=2, faulty=0.02, specs=("notes_cli.yaml",)),
    Scale.QUICK: Soak(15.0, specs=("notes_cli.yaml", "clinic.yaml")),
    Scale.FULL: Soak(1800.0),
}
MOST_GROWTH = {Scale.ONCE: None, Scale.QUICK: 1.25, Scale.FULL: 1.05}
"""Of memory. In half a minute what fills once is still filling."""
LEVEL: dict[str, Callable[[Sample], float]] = {
    "open files of the engine": lambda sample: sample.engine_files,
    "tasks of the engine": lambda sample: sample.engine_tasks,
    "open files of the gateway": lambda sample: sample.gateway_files,
    "connections to Redis": lambda sample: sample.redis_connections,
}
GROWING: dict[str, Callable[[Sample], float]] = {
    "memory of the engine": lambda sample: sample.engine_mb,
    "memory of the gateway": lambda sample: sample.gateway_mb,
}


@pytest.mark.timeout(2400)
async def test_soak(scale: Scale, results: Results) -> None:
    """The last quarter of the time over the second; the first is warm-up."""
    settings = SOAKS[scale]
    soaked = await soak(settings)
    case = f"{settings.length_s:g} s, {settings.faulty:.0%} of calls spoilt"
    assert soaked.wrong == ()
    assert soaked.equal > 0
    assert {sample.redis_keys for sample in soaked.samples} == {0}
    counts = {
        "builds equal": soaked.equal,
        "builds failed": len(soaked.failed),
        "calls": soaked.calls,
        "calls spoilt": soaked.spoilt,
    }
    for unit, count in counts.items():
        results.figure(SCENARIO, case, "async", count, unit)
    for subject, held in {**LEVEL, **GROWING}.items():
        most = MOST_GROWTH[scale] if subject in GROWING else 1.0
        growth = _growth(soaked.samples, held, median if subject in GROWING else max)
        results.ratio(
            SCENARIO,
            case,
            subject,
            [growth],
            over="the second quarter",
            at_most=None if scale is Scale.ONCE else most,
            compared=False,
        )


def _growth(
    samples: Sequence[Sample], held: Callable[[Sample], float], of: Callable[[Sequence[float]], float]
) -> float:
    end_s = samples[-1].at_s
    before = [held(sample) for sample in samples if end_s / 4 <= sample.at_s <= end_s / 2] or [
        held(samples[0])
    ]
    return of([held(sample) for sample in samples if sample.at_s >= 3 * end_s / 4]) / of(before)
