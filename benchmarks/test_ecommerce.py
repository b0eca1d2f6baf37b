"""Each engine on the E-commerce example, end to end: how near it comes to what its own calls allow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from harness.compare.timing import timing_facts
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.record import RunRecord
from harness.session import SessionSettings, open_session
from harness.spec import find_specs

SPEC = Path(__file__).parents[1] / "examples" / "ecommerce.yaml"
ROUNDS = 5


async def _run(engine: str, simulated: SimulateSettings, store: Path) -> RunRecord:
    (spec,) = find_specs([SPEC])
    settings = SessionSettings(model="simulated", simulated=simulated, store=store)
    chosen = find_engine(engine)
    async with open_session(settings, needs_redis=chosen.needs_redis) as session:
        return await session.run(spec, chosen, lambda _: None)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ["legacy", "async"])
def test_wall_clock_over_list_schedule(benchmark: BenchmarkFixture, engine: str, tmp_path: Path) -> None:
    """The ratios stand in `extra_info`, each the median over the rounds; one round, fast, when disabled."""
    simulated = (
        SimulateSettings(ttft_s=0.001, tokens_per_s=50_000) if benchmark.disabled else SimulateSettings()
    )
    records: list[RunRecord] = []
    benchmark.pedantic(
        lambda: records.append(asyncio.run(_run(engine, simulated, tmp_path))),
        rounds=1 if benchmark.disabled else ROUNDS,
    )
    facts = sorted((timing_facts(record) for record in records), key=lambda f: f.over_list_schedule)
    median = facts[len(facts) // 2]
    benchmark.extra_info["wall_s"] = round(median.wall_s, 3)
    benchmark.extra_info["over_list_schedule"] = [round(f.over_list_schedule, 4) for f in facts]
    benchmark.extra_info["efficiency"] = round(median.efficiency, 4)
    print(f"\n{engine}: {benchmark.extra_info}")  # noqa: T201 (what a benchmark is run for)
    assert all(not record.summary.outcome.failures for record in records)
