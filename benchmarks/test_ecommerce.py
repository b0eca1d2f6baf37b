"""Each engine on the E-commerce example, end to end: how near it comes to what its own calls allow.

    uv run pytest --benchmark benchmarks/test_ecommerce.py

Before what is measured, one run at a quicker pace: the async engine has learnt from it what begins first.
What it comes to with nothing learnt is measured beside that.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import pytest

from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.compare.overlaps import overlap
from harness.compare.timing import timing_facts
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.record import RunRecord
from harness.session import SessionSettings, open_session
from harness.spec import find_specs

SCENARIO = "E-commerce"
SPEC = Path(__file__).parents[1] / "examples" / "ecommerce.yaml"
MOST_OVER_LIST_SCHEDULE = 1.03
"""For the async engine, with slots for more than one module."""
LEAST_SLOTS = 4
QUICKER = SimulateSettings(ttft_s=0.02, tokens_per_s=4_000)
"""Five times the default pace; everything keeps its share of the time."""
UNLEARNT = "async, nothing learnt"


@dataclass(frozen=True)
class Part:
    """Runs that take turns in one session: so many of each engine."""

    slots: int
    rounds: Mapping[str, int]
    simulated: SimulateSettings = field(default_factory=SimulateSettings)
    pace: str = ""
    """Of the model, where it is not the default."""
    learns: bool = True
    unlearnt: int = 0
    """Runs of the async engine that know of none before."""

    @property
    def case(self) -> str:
        return f"{self.slots} slot{'s' * (self.slots > 1)}{self.pace and ', '}{self.pace}"


PARTS = {
    Scale.ONCE: [
        Part(
            4,
            {"legacy": 1, "async": 1},
            SimulateSettings(ttft_s=0.001, tokens_per_s=50_000),
            "no pace",
            False,
        )
    ],
    Scale.QUICK: [
        # At the default pace it takes half a minute.
        Part(4, {"legacy": 1}, QUICKER, "5 times the default pace", learns=False),
        Part(4, {"async": 1}),
        Part(16, {"async": 1}),
    ],
    Scale.FULL: [
        Part(
            slots,
            {"legacy": 1, "phase:1": 1, "phase:2": 3, "phase:3": 3, "phase:4": 3, "async": 5},
            unlearnt=3,
        )
        for slots in (1, 2, 4, 8, 16)
    ],
}


def _in_turns(rounds: Mapping[str, int]) -> Iterator[str]:
    """The engines, there and back, each as often as it is to run."""
    for turn in range(max(rounds.values())):
        engines = [engine for engine, times in rounds.items() if turn < times]
        yield from engines if turn % 2 == 0 else reversed(engines)


async def _records(part: Part, store: Path) -> dict[str, list[RunRecord]]:
    settings = SessionSettings(model="simulated", simulated=part.simulated, slots=part.slots, store=store)
    found: dict[str, list[RunRecord]] = {}
    if part.learns:
        await _run(replace(settings, simulated=QUICKER), ["async"])
    if part.unlearnt:
        alone = replace(settings, store=store / "unlearnt")
        found[UNLEARNT] = (await _run(alone, ["async"] * part.unlearnt))["async"]
    return {**found, **await _run(settings, [*_in_turns(part.rounds)])}


async def _run(settings: SessionSettings, engines: Sequence[str]) -> dict[str, list[RunRecord]]:
    (spec,) = find_specs([SPEC])
    found: defaultdict[str, list[RunRecord]] = defaultdict(list)
    async with open_session(settings, needs_redis=True) as session:
        for engine in engines:
            record = await session.run(spec, find_engine(engine), lambda _: None)
            assert not record.summary.outcome.failures
            found[engine].append(record)
    return found


def _report(results: Results, part: Part, engine: str, records: Sequence[RunRecord]) -> None:
    case, slots = part.case, part.slots
    facts = [timing_facts(record) for record in records]
    together = [overlap(record, "Frontend", "Backend").together_s for record in records]
    results.ratio(
        SCENARIO,
        case,
        engine,
        [each.over_list_schedule for each in facts],
        over="list schedule",
        at_most=MOST_OVER_LIST_SCHEDULE if engine == "async" and slots >= LEAST_SLOTS else None,
        x=slots,
    )
    figures = {
        "s": median(each.wall_s for each in facts),
        "s lower bound": median(each.lower_bound_s for each in facts),
        "efficiency": median(each.efficiency for each in facts),
        "s Frontend and Backend at once": median(together),
        "prompt tokens": median(each.prompt_tokens for each in facts),
        "output tokens": median(each.output_tokens for each in facts),
    }
    for unit, value in figures.items():
        results.figure(SCENARIO, case, engine, value, unit, x=slots)


@pytest.mark.timeout(3600)
def test_wall_clock_over_list_schedule(scale: Scale, results: Results, tmp_path: Path) -> None:
    """Wall-clock over a list schedule of the run's own calls; the engines take turns, by number of slots."""
    for number, part in enumerate(PARTS[scale]):
        found = asyncio.run(_records(part, tmp_path / str(number)))
        for engine, records in found.items():
            _report(results, part, engine, records)
