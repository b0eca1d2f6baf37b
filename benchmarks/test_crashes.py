"""Two hundred crashes: at every boundary of a task, and at random moments inside tasks.

With `--benchmark-enable` all of them; otherwise a few, to see that it works.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from async_arch.redis_client import DEFAULT_PATIENCE_S
from tests.crashes.builder import TASKS
from tests.crashes.rig import Crash, Result, Victim, crash_rig, random_crashes

MOMENTS = {"report": "before a report", "reported": "after a report", "filed": "after its files"}
CRASHES = 200
SEED = 20
AWAY_S = (1.0, 10.0, 60.0)


def _all() -> list[Crash]:
    boundaries = [
        Crash(Victim.ENGINE, f"{moment}:{number}") for number in range(1, TASKS + 1) for moment in MOMENTS
    ]
    return boundaries + random_crashes(SEED, CRASHES - len(boundaries))


async def _run(crashes: list[Crash], folder: Path) -> tuple[Result, dict[Crash, Result]]:
    async with crash_rig(folder) as rig:
        assert rig.undisturbed is not None
        return rig.undisturbed, {crash: await rig.crash(crash) for crash in crashes}


@pytest.mark.timeout(1200)
def test_crashes(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Every resumed build equals the undisturbed one; prints how many of each kind there were."""
    crashes = _all()[::40] if benchmark.disabled else _all()
    undisturbed, results = benchmark.pedantic(
        lambda: asyncio.run(_run(crashes, tmp_path)), rounds=1, iterations=1
    )
    table: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for crash, result in results.items():
        moment = MOMENTS.get(crash.boundary.partition(":")[0], "at a random moment")
        row = table[f"{crash.victim.value} {moment}"]
        row.update(
            {
                "killed": 1,
                "in mid-build": result.crashed,
                "equal": not result.problems(undisturbed),
                "calls paid before": result.calls_paid_before,
                "calls after": sum(result.calls[1:]),
            }
        )
    for kind, row in table.items():
        print(f"{kind}: {dict(row)}")  # noqa: T201 (what a benchmark is run for)
        benchmark.extra_info[kind] = dict(row)
    problems = {str(crash): result.problems(undisturbed) for crash, result in results.items()}
    assert {crash: found for crash, found in problems.items() if found} == {}


@pytest.mark.timeout(600)
def test_redis_away(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """Away for a while in mid-build: waited for, or, for whom that is too long, a failure that is resumed."""
    absences = (0.2,) if benchmark.disabled else AWAY_S
    crashes = [
        Crash(Victim.REDIS, after_tasks=TASKS // 2, redis_gone_s=away_s, patience_s=patience_s)
        for away_s in absences
        for patience_s in (DEFAULT_PATIENCE_S, away_s / 2)
    ]
    undisturbed, results = benchmark.pedantic(
        lambda: asyncio.run(_run(crashes, tmp_path)), rounds=1, iterations=1
    )
    for crash, result in results.items():
        sittings = len(result.calls)
        facts = {"sittings": sittings, "equal": not result.problems(undisturbed)}
        what = f"away for {crash.redis_gone_s:g} s, waited for {crash.patience_s:g} s at most"
        print(f"{what}: {facts}")  # noqa: T201 (what a benchmark is run for)
        benchmark.extra_info[what] = facts
        assert result.problems(undisturbed) == []
        assert sittings == (1 if crash.patience_s > crash.redis_gone_s else 2)
