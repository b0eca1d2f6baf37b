"""Worker processes on a real Redis: what they build is what legacy builds, whoever is killed on the way.

A sample; `benchmarks/test_workers.py` has more specs, numbers of workers, kills and accidents of Redis.
"""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from harness.compare import Comparison, compare
from harness.compare.blackboard import compare_blackboards
from harness.compare.normalisation import Normaliser
from harness.engines.finding import find_engine
from harness.flags import Action, FlagValues, Installation
from harness.gateway.settings import SimulateSettings
from harness.record import OutcomeStatus, RunRecord, RunStore
from harness.record.workers_choice import WorkersChoice
from harness.session import SessionSettings, open_session
from harness.spec import find_spec, find_specs
from tests.crashes.server import restartable_server
from tests.end_to_end.harness_command import run_command
from tests.end_to_end.harness_process import STEADY, harness
from tests.end_to_end.in_process_engine import InProcessEngine
from tests.workers.processes import worker_processes

pytestmark = pytest.mark.usefixtures("forked_processes")

EXAMPLES = Path(__file__).parents[2] / "examples"
FAST = SimulateSettings(ttft_s=0.001, tokens_per_s=50_000)
PACE = ("--ttft", "0.001", "--tokens-per-second", "50000")
TASKS = 12
SHOP = """
name: shop
idea: A shop.
modules:
  - {name: Users, module_type: data, description: Users with a name}
  - {name: Orders, module_type: service, description: Orders; place and cancel, requires: [Users]}
"""


def _differences(comparison: Comparison) -> list[str]:
    """The pace aside, which on a machine that tests share is nobody's."""
    return [each.sentence for each in comparison.mismatches if each.layer != "timing"]


@pytest.mark.timeout(120)
async def test_what_two_workers_build_is_what_legacy_builds(tmp_path: Path) -> None:
    (spec,) = find_specs([EXAMPLES / "ecommerce.yaml"])
    with (
        restartable_server() as server,
        worker_processes(server.url, tmp_path / "workers", takeover_s=5.0) as workers,
    ):
        await workers.started(2)
        settings = SessionSettings(
            model="simulated",
            simulated=FAST,
            redis=server.url,
            workers=WorkersChoice(wait_s=30.0),
            store=tmp_path / "store",
        )
        async with open_session(settings, needs_redis=True) as session:
            control = await session.run(spec, InProcessEngine("legacy"), lambda _: None)
            candidate = await session.run(spec, find_engine("async:workers"), lambda _: None)
        assert set((await workers.drain()).values()) == {0}
    assert candidate.summary.outcome.status is OutcomeStatus.FINISHED
    assert _differences(compare(spec, control, candidate)) == []
    started = [event.task for event in candidate.events if event.kind == "TASK_STARTED"]
    assert workers.counted()["done"] == len(started) == len(set(started)) > 30
    assert workers.counted()["taken_over"] == workers.counted()["repeated"] == 0


def test_a_build_by_workers_is_delivered(tmp_path: Path) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_text(SHOP)
    serve_async(tmp_path / "flags.json")
    with restartable_server() as server, worker_processes(server.url, tmp_path / "workers") as workers:
        asyncio.run(workers.started(1))
        arguments = ("--workers", "--redis", server.url, "--model", "simulated", "--sample", "0", *PACE)
        code, out, errors = run_command(tmp_path, "build", "shop.yaml", *arguments, "--json")
        assert code == 0, errors
        assert set(asyncio.run(workers.drain()).values()) == {0}
    assert json.loads(out)["engine"].endswith("executor=workers")
    assert {path.name for path in (tmp_path / "shop").iterdir()} >= {"main.py", "users.py", "orders.py"}
    assert workers.counted()["done"] == TASKS


@pytest.mark.timeout(120)
def test_a_build_by_workers_whose_owner_is_killed_is_resumed_by_workers(tmp_path: Path) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_text(SHOP)
    serve_async(tmp_path / "flags.json")
    with (
        restartable_server() as server,
        worker_processes(server.url, tmp_path / "workers", takeover_s=5.0) as workers,
    ):
        asyncio.run(workers.started(2))
        arguments = ("--workers", "--redis", server.url, "--model", "simulated", "--sample", "0", *STEADY)
        with harness(tmp_path, "build", "shop.yaml", *arguments) as owner:
            owner.wait_for("architect:Orders done", timeout_s=60.0)
            owner.process.send_signal(signal.SIGKILL)
            owner.finish()
        store = RunStore(tmp_path / ".harness")
        (run,) = store.begun_ids()
        before = workers.counted()["done"]
        assert before > 0
        code, out, errors = run_command(tmp_path, "resume", "--json")
        assert code == 0, errors
        assert json.loads(out)["outcome"]["status"] == "finished"
        assert workers.counted()["done"] > before
        assert set(asyncio.run(workers.drain()).values()) == {0}
    found, undisturbed = store.load(run), asyncio.run(_undisturbed(spec, tmp_path / "undisturbed"))
    assert found.summary.files == undisturbed.summary.files
    assert compare_blackboards(undisturbed, found, Normaliser(undisturbed, found)).mismatches == ()


async def _undisturbed(spec: Path, store: Path) -> RunRecord:
    """The same, done by the engine itself."""
    settings = SessionSettings(model="simulated", simulated=FAST, store=store)
    async with open_session(settings, needs_redis=True) as session:
        return await session.run(find_spec(spec), InProcessEngine("async"), lambda _: None)


def serve_async(flags: Path) -> None:
    """Let async build, as after the last cutover of phase 2."""
    installation = Installation(flags)
    chosen = {"state_store": "redis", "agent_calls": "async", "orchestration": "concurrent"}
    after = FlagValues.model_validate({**chosen, "generation": "llm", "engine": "async", "canary": 0})
    installation.move(installation.standing(), Action.PROMOTE, after)
