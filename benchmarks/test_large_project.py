"""A project of 500 modules, end to end: simulated model, gateway, HTTP and Redis, with 16 slots.

    uv run pytest --benchmark-full benchmarks/test_large_project.py

The ratio is the wall-clock over a critical-path-first list schedule of the run's own calls.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.compare.timing import timing_facts
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.record import RunRecord
from harness.session import SessionSettings, open_session
from harness.spec import Spec

SLOTS = 16
MOST_OVER_LIST_SCHEDULE = 1.05
QUICKER = SimulateSettings(ttft_s=0.02, tokens_per_s=4_000)
_SEED = 5
_THINGS = ("Order", "Customer", "Invoice", "Ticket", "Room", "Book", "Recipe", "Vehicle", "Course", "Parcel")


@dataclass(frozen=True)
class Part:
    """One project at one pace of the model."""

    modules: int
    pace: str = "default pace"
    simulated: SimulateSettings = field(default_factory=SimulateSettings)
    promised: bool = True


PARTS = {
    Scale.ONCE: Part(3, "no pace", SimulateSettings(ttft_s=0.001, tokens_per_s=50_000), promised=False),
    # What a call costs the processor weighs five times as much.
    Scale.QUICK: Part(60, "5 times the default pace", QUICKER, promised=False),
    Scale.FULL: Part(500),
}


def project(modules: int) -> Spec:
    """A project of so many modules, each of which requires up to two before it."""
    drawn = random.Random(_SEED)  # noqa: S311 (nothing to guess)
    names = [f"{_THINGS[number % len(_THINGS)]}{number}" for number in range(modules)]
    return Spec.model_validate(
        {
            "name": f"large-{modules}",
            "idea": "A platform with many kinds of records, each with its own rules.",
            "modules": [
                {
                    "name": name,
                    "module_type": "data" if number < modules // 5 else "service",
                    "description": f"Keeps and changes {name.lower()} records.",
                    "requires": sorted(drawn.sample(names[:number], min(number, drawn.randint(0, 2)))),
                }
                for number, name in enumerate(names)
            ],
        }
    )


async def _run(part: Part, store: Path) -> RunRecord:
    settings = SessionSettings(
        model="simulated", simulated=part.simulated, slots=SLOTS, store=store, call_timeout_s=600.0
    )
    async with open_session(settings, needs_redis=True) as session:
        return await session.run(project(part.modules), find_engine("async"), lambda _: None)


@pytest.mark.timeout(3600)
def test_large_project(scale: Scale, results: Results, tmp_path: Path) -> None:
    part = PARTS[scale]
    record = asyncio.run(_run(part, tmp_path))
    assert not record.summary.outcome.failures
    facts = timing_facts(record)
    case = f"end to end, {part.modules} modules, {SLOTS} slots, {part.pace}"
    limit = MOST_OVER_LIST_SCHEDULE if part.promised else None
    results.ratio("Size", case, "async", [facts.over_list_schedule], over="list schedule", at_most=limit)
    figures = {
        "s": facts.wall_s,
        "s of list schedule": facts.list_schedule_s,
        "calls": facts.calls,
        "ms of the engine's processor a call": 1000 * (facts.cpu_s or 0.0) / facts.calls,
    }
    for unit, value in figures.items():
        results.figure("Size", case, "async", value, unit)
