"""Two hundred crashes: at every boundary of a task, and at random moments inside tasks.

With `--benchmark-full` all of them; without an option a few, to see that it works.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from async_arch.redis_client import DEFAULT_PATIENCE_S
from benchmarks.results import Results
from benchmarks.scale import Scale
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


def _skip_quick(scale: Scale) -> None:
    if scale is Scale.QUICK:
        pytest.skip("takes minutes: with --benchmark-full")


async def _run(crashes: list[Crash], folder: Path) -> tuple[Result, dict[Crash, Result]]:
    async with crash_rig(folder) as rig:
        assert rig.undisturbed is not None
        return rig.undisturbed, {crash: await rig.crash(crash) for crash in crashes}


@pytest.mark.timeout(1200)
def test_crashes(scale: Scale, results: Results, tmp_path: Path) -> None:
    """Every resumed build equals the undisturbed one; says how many of each kind there were."""
    _skip_quick(scale)
    crashes = _all()[::150] if scale is Scale.ONCE else _all()
    undisturbed, found = asyncio.run(_run(crashes, tmp_path))
    table: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for crash, result in found.items():
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
        for what, count in row.items():
            results.figure("State", f"killed: {kind}", "resumed builds", count, what)
    problems = {str(crash): result.problems(undisturbed) for crash, result in found.items()}
    assert {crash: listed for crash, listed in problems.items() if listed} == {}


@pytest.mark.timeout(600)
def test_redis_away(scale: Scale, results: Results, tmp_path: Path) -> None:
    """Away for a while in mid-build: waited for, or, for whom that is too long, a failure that is resumed."""
    _skip_quick(scale)
    absences = (0.2,) if scale is Scale.ONCE else AWAY_S
    crashes = [
        Crash(Victim.REDIS, after_tasks=TASKS // 2, redis_gone_s=away_s, patience_s=patience_s)
        for away_s in absences
        for patience_s in (DEFAULT_PATIENCE_S, away_s / 2)
    ]
    undisturbed, found = asyncio.run(_run(crashes, tmp_path))
    for crash, result in found.items():
        sittings = len(result.calls)
        what = f"Redis away for {crash.redis_gone_s:g} s, waited for {crash.patience_s:g} s at most"
        results.figure("State", what, "builds", sittings, "sittings")
        assert result.problems(undisturbed) == []
        assert sittings == (1 if crash.patience_s > crash.redis_gone_s else 2)
