"""Builds by worker processes: equal to those of legacy, whatever is killed or cut off; and what that costs.

    uv run pytest --benchmark benchmarks/test_workers.py
    uv run pytest --benchmark-full benchmarks/test_workers.py

Nothing is simulated but the model: processes, Redis, gateway, network namespaces and kills are real.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

import pytest

from benchmarks.results import Results
from benchmarks.scale import Scale
from benchmarks.workers_measured import Load, Measured, measure
from benchmarks.workload import SCALE
from harness.compare import compare
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.record.workers_choice import WorkersChoice
from harness.session import SessionSettings, open_session
from harness.spec import find_specs
from tests.crashes.server import restartable_server
from tests.workers.cut_off import compare_with_cuts
from tests.workers.kills import Killed, Killing, kill_at_random
from tests.workers.left_by_workers import Accounts
from tests.workers.network_spaces import why_none
from tests.workers.processes import worker_processes
from tests.workers.redis_accidents import Accident, survive

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the clocks of other processes")

SCENARIO = "Workers"
EXAMPLES = Path(__file__).parents[1] / "examples"

MATRIX: dict[Scale, dict[str, tuple[int, ...]]] = {
    Scale.ONCE: {},
    Scale.QUICK: {"ecommerce.yaml": (2,)},
    Scale.FULL: {"ecommerce.yaml": (1, 2, 4), "clinic.yaml": (1, 2, 4)},
}
FAST = SimulateSettings(ttft_s=0.001, tokens_per_s=50_000)

CUTS = {Scale.ONCE: 0, Scale.QUICK: 0, Scale.FULL: 5}
"""How often a worker loses its network in one build; what happens once is in the tests."""
CUT_SPEC = "ecommerce.yaml"
CUT_PACE = ("--tokens-per-second", "500")

KILLS = {Scale.QUICK: Killing(20, 5), Scale.FULL: Killing(200, 50, orchestrators=2)}

ACCIDENT_BUILDS = {Scale.ONCE: 0, Scale.QUICK: 0, Scale.FULL: 10}

SIZES = {Scale.ONCE: ((5, 4),), Scale.QUICK: ((5, 4), (50, 16)), Scale.FULL: ((5, 4), (50, 16), (500, 64))}
"""Modules and places of one build by one worker."""
ROUNDS = {Scale.ONCE: 1, Scale.QUICK: 3, Scale.FULL: 7}
ALONE = {Scale.ONCE: 0, Scale.QUICK: 20, Scale.FULL: 100}
"""Modules of the build that has one task at a time."""

FLEETS = {Scale.ONCE: (1,), Scale.QUICK: (1, 4), Scale.FULL: (1, 2, 4, 8)}
CROWD = {Scale.ONCE: 2, Scale.QUICK: 20, Scale.FULL: 500}
CROWD_MODULES = 5
PARTS = ("orchestrator", "workers", "Redis", "model")


@pytest.mark.timeout(1800)
async def test_equal_to_legacy(scale: Scale, results: Results, tmp_path: Path) -> None:
    """Everything the harness compares, but the pace, which is nobody's on a machine that others use."""
    if not MATRIX[scale]:
        pytest.skip("tests/workers/test_processes.py has one of them")
    for name, fleets in MATRIX[scale].items():
        (spec,) = find_specs([EXAMPLES / name])
        with restartable_server() as server:
            settings = SessionSettings(
                model="simulated",
                simulated=FAST,
                redis=server.url,
                workers=WorkersChoice(wait_s=60.0),
                store=tmp_path / name,
            )
            async with open_session(settings, needs_redis=True) as session:
                control = await session.run(spec, find_engine("legacy"), lambda _: None)
                for count in fleets:
                    place = tmp_path / f"{name}-{count}"
                    with worker_processes(server.url, place, takeover_s=5.0) as workers:
                        await workers.started(count)
                        candidate = await session.run(spec, find_engine("async:workers"), lambda _: None)
                        assert set((await workers.drain()).values()) == {0}
                        done = workers.counted()["done"]
                    found = compare(spec, control, candidate)
                    assert [each.sentence for each in found.mismatches if each.layer != "timing"] == []
                    case = f"{spec.name} by {count} workers"
                    results.figure(SCENARIO, case, "async:workers", done, "tasks, equal to legacy", x=count)


@pytest.mark.timeout(900)
async def test_cut_off(scale: Scale, results: Results, tmp_path: Path) -> None:
    """Redis and the build on one machine, two workers on others: one loses its network again and again."""
    if not CUTS[scale]:
        pytest.skip("tests/workers/test_namespaces.py does it once")
    if (reason := why_none()) is not None:
        pytest.skip(reason)
    found = await compare_with_cuts(EXAMPLES / CUT_SPEC, tmp_path, *CUT_PACE, cuts=CUTS[scale])
    assert found.differences == [], found.said
    assert found.done_after > 0
    assert found.cuts == CUTS[scale]
    case = f"a worker cut off {found.cuts} times"
    _tell_accounts(results, case, found.accounts)
    counts = {
        "taken from it": found.taken,
        "takeovers": found.counted["taken_over"],
        "found done": found.counted["repeated"],
        "done by it after": found.done_after,
    }
    for unit, count in counts.items():
        results.figure(SCENARIO, case, "async:workers", count, unit)


def _tell_accounts(results: Results, case: str, accounts: Accounts) -> None:
    assert accounts.effects == accounts.ends == accounts.tasks
    counts = {
        "tasks": accounts.tasks,
        "begun": accounts.executions,
        "effects": accounts.effects,
        "begun in vain": accounts.repeated,
    }
    for unit, count in counts.items():
        results.figure(SCENARIO, case, "async:workers", count, unit)


@pytest.mark.timeout(1800)
async def test_killed(scale: Scale, results: Results, tmp_path: Path) -> None:
    """Workers killed at random; every build ends as an undisturbed one."""
    if scale not in KILLS:
        pytest.skip("tests/workers/test_slots_of_hosts.py kills one")
    killing = KILLS[scale]
    found = await kill_at_random(killing, tmp_path)
    assert (found.failed, found.unequal) == ({}, {})
    assert found.kills == killing.kills
    _tell_kills(results, f"{killing.kills} kills over {killing.builds} builds", found)


def _tell_kills(results: Results, case: str, found: Killed) -> None:
    _tell_accounts(results, case, found.accounts)
    results.figure(SCENARIO, case, "async:workers", found.kills, "killed")
    results.figure(SCENARIO, case, "async:workers", found.takeovers, "takeovers")
    results.figure(SCENARIO, case, "async:workers", found.found_done, "found done")


@pytest.mark.timeout(1200)
async def test_redis_accidents(scale: Scale, results: Results, tmp_path: Path) -> None:
    """Redis restarts, forgets or gives way to its replica in mid-build; the builds end as without."""
    if not (builds := ACCIDENT_BUILDS[scale]):
        pytest.skip("tests/workers/test_going_on.py has some of them")
    for accident in Accident:
        found = await survive(accident, builds, tmp_path / accident.name)
        assert (found.failed, found.unequal) == ({}, {})
        if accident is not Accident.FORGETS:
            assert found.sittings == 1, found.reasons
        case = f"{builds} builds, Redis {accident.value}"
        _tell_accounts(results, case, found.accounts)
        results.figure(SCENARIO, case, "async:workers", found.sittings, "sittings")


@pytest.mark.timeout(1800)
async def test_overhead(scale: Scale, results: Results) -> None:
    """One build by one worker beside the same build by the orchestrator itself; the model sleeps."""
    for modules, places in SIZES[scale]:
        found: dict[str, list[Measured]] = {"async": [], "async:workers": []}
        pace = SCALE / 10 if scale is Scale.ONCE else SCALE
        here = Load(1, modules, workers=0, places=places, scale=pace)
        there = Load(1, modules, workers=1, places=places, concurrency=places, scale=pace)
        for _ in range(ROUNDS[scale]):
            found["async"].append(await measure(here))
            found["async:workers"].append(await measure(there))
        case = f"{modules} modules, {places} slots"
        for subject, rounds in found.items():
            ratios = [each.wall_s / here.lower_bound_s for each in rounds]
            results.ratio(SCENARIO, case, subject, ratios, over="lower bound", x=modules)
            _tell_processor_time(results, case, subject, rounds, modules)


def _tell_processor_time(results: Results, case: str, subject: str, rounds: list[Measured], x: float) -> None:
    for part in rounds[0].cpu_s:
        value = median(each.a_task_us(part) for each in rounds)
        results.figure(SCENARIO, case, f"{subject}: {part}", value, "us of processor a task", x=x)


@pytest.mark.timeout(900)
async def test_latency(scale: Scale, results: Results) -> None:
    """One task at a time: how long until a worker begins it, and until the orchestrator knows its end."""
    if not ALONE[scale]:
        pytest.skip("what is measured is what test_overhead measures")
    for subject, workers in (("async", 0), ("async:workers", 1)):
        rounds = [await measure(Load(1, ALONE[scale], workers, places=1)) for _ in range(ROUNDS[scale])]
        case = f"{ALONE[scale]} modules, one task at a time"
        begins, known, each_ms = (
            1e3 * median(values)
            for values in (
                [one.begins_s for one in rounds],
                [one.known_s for one in rounds],
                [one.wall_s / one.tasks for one in rounds],
            )
        )
        results.figure(SCENARIO, case, subject, begins, "ms from handed over to begun")
        results.figure(SCENARIO, case, subject, known, "ms from done to known")
        results.figure(SCENARIO, case, subject, each_ms, "ms a task")
        _tell_processor_time(results, case, subject, rounds, ALONE[scale])


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("simulated", [False, True], ids=["model in the worker", "simulated model"])
async def test_throughput(simulated: bool, scale: Scale, results: Results) -> None:
    """Many builds at once by 1, 2, 4 and 8 workers: how many a second, and which part is the limit."""
    if simulated and scale is Scale.ONCE:
        pytest.skip("the other model shows that it works")
    model = "simulated model over HTTP" if simulated else "model that answers at once"
    for count in FLEETS[scale]:
        found = await measure(Load(CROWD[scale], CROWD_MODULES, count, simulated=simulated))
        case = f"{CROWD[scale]} builds of {CROWD_MODULES} modules, {model}"
        subject = f"{count} workers"
        results.figure(SCENARIO, case, subject, CROWD[scale] / found.wall_s, "builds/s", x=count)
        results.figure(SCENARIO, case, subject, found.tasks / found.wall_s, "tasks/s", x=count)
        parts = [part for part in PARTS if part in found.cpu_s]
        for part in parts:
            results.figure(SCENARIO, case, subject, found.processors(part), f"processors: {part}", x=count)
        for part in parts:
            spent = f"{case}, microseconds of processor a task"
            results.figure(SCENARIO, spent, subject, found.a_task_us(part), part, x=count)
