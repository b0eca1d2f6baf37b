"""A third-party checkout, unmodified, as control and candidate: reports and timelines are all there."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from harness.compare import Comparison, Layer, Status, compare
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.record import OutcomeStatus, RunRecord
from harness.session import Session, SessionSettings, open_session
from harness.spec import Spec
from tests.end_to_end.harness_process import FAST, harness, run_harness

FACTORY = Path(__file__).parents[1] / "other_factory" / "engine.yaml"
OTHER = f"external:{FACTORY}"
SPEC = Spec(name="library", idea="A library: members borrow books, return them, and pay for what is late.")

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("forked_processes")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def session(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Session]:
    fast = SimulateSettings(ttft_s=0.02, tokens_per_s=20_000)
    settings = SessionSettings(model="simulated", simulated=fast, store=tmp_path_factory.mktemp("store"))
    async with open_session(settings, needs_redis=True) as opened:
        yield opened


async def _run(session: Session, engine: str) -> RunRecord:
    return await session.run(SPEC, find_engine(engine), lambda _: None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def control(session: Session) -> RunRecord:
    return await _run(session, OTHER)


async def test_its_run_is_recorded_like_any(control: RunRecord) -> None:
    summary = control.summary
    assert summary.outcome.status is OutcomeStatus.FINISHED, summary.outcome
    board = control.blackboard
    assert isinstance(board, dict)
    modules = board["modules"]
    assert isinstance(modules, dict)
    assert len(modules) >= 2
    assert {"main.py", "BUILT.txt"} < summary.files.keys()
    lanes = [(call.role, call.module) for call in control.calls]
    assert lanes[0] == ("unknown", None), "nothing in the request says who plans"
    assert lanes[-1][0] == "integrator"
    assert {*lanes[1:-1]} == {(role, name) for role in ("developer", "reviewer") for name in modules}
    assert len(control.timeline) == len(control.calls)
    assert (control.folder / "timeline.json").is_file()
    assert "ALL DONE" in (control.folder / "stdout.log").read_text()
    assert not (control.folder / "workdir").exists()


async def test_it_equals_itself(session: Session, control: RunRecord) -> None:
    """Its output folder is named by the clock, and it writes that name and its own path down."""
    candidate = await _run(session, OTHER)
    comparison = compare(SPEC, control, candidate)
    assert comparison.verdict.status is Status.PASS, comparison.mismatches
    assert candidate.summary.external != control.summary.external
    assert _seen(comparison) == ["outcome", "conversation", "blackboard", "files"]


def _seen(comparison: Comparison) -> list[str]:
    return [layer.layer.value for layer in comparison.layers if layer.seen]


async def test_it_and_ours_are_told_apart_in_a_report_of_moderate_length(
    session: Session, control: RunRecord
) -> None:
    ours = await _run(session, "async")
    for before, after in ((control, ours), (ours, control)):
        comparison = compare(SPEC, before, after)
        assert comparison.verdict.status is Status.FAIL
        assert comparison.limit.sentence
        by_layer = {layer.layer: layer for layer in comparison.layers}
        assert by_layer[Layer.CONVERSATION].mismatches
        assert not by_layer[Layer.EVENTS].seen
        assert by_layer[Layer.EVENTS].mismatches == ()


async def test_its_critical_path_is_what_its_prompts_quote(control: RunRecord) -> None:
    """Plan, one module written, all joined: however many modules, and not the sum of all calls."""
    timing = compare(SPEC, control, control).control.timing
    longest = max(call.generating_s for call in control.calls)
    assert longest < timing.critical_path_s < timing.work_s


async def test_it_is_recorded_and_replayed(tmp_path: Path) -> None:
    spec = tmp_path / "library.yaml"
    spec.write_text(f"name: library\nidea: '{SPEC.idea}'\n")
    both = ("--control", OTHER, "--candidate", OTHER)
    for model, code in ((f"record:{tmp_path}/c@simulated", 0), (f"replay:{tmp_path}/c", 0)):
        arguments = ("compare", spec, *both, "--model", model, "--time-scale", "0", *FAST, "--json")
        ended, out, err = await asyncio.to_thread(run_harness, tmp_path, *arguments)
        assert ended == code, err
        (comparison,) = json.loads(out)
        assert comparison["verdict"]["status"] == "PASS"


async def test_a_fault_of_the_model_is_told_of_it_too(tmp_path: Path) -> None:
    """It has no retries: what the model does to it, it passes on, and the record says so."""
    rule = "role=reviewer,times=1:500"
    settings = SessionSettings(model="simulated", faults=(rule,), store=tmp_path)
    async with open_session(settings, needs_redis=False) as opened:
        record = await opened.run(SPEC, find_engine(OTHER), lambda _: None)
    (failure,) = record.summary.outcome.failures
    assert "it ended with exit status 1; it never said 'ALL DONE'" in failure.reason
    assert "injected fault" in failure.reason
    assert [call.status for call in record.calls if call.fault] == [500] * len(
        [call for call in record.calls if call.fault]
    )
    notes = compare(SPEC, record, record).notes
    assert any(note.startswith("control: the reviewer of") and "not asked again" in note for note in notes)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
async def test_stopped_in_mid_run_nothing_of_it_is_left(number: int, tmp_path: Path) -> None:
    spec = tmp_path / "library.yaml"
    spec.write_text(f"name: library\nidea: '{SPEC.idea}'\n")
    arguments = ("compare", spec, "--control", OTHER, "--model", "simulated", "--fault", "hang")

    def stopped() -> None:
        with harness(tmp_path, *arguments) as running:
            running.wait_for("started")
            deadline = time.monotonic() + 20
            while not any("make_app.py" in command for command in running.relatives().values()):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            running.process.send_signal(number)
            running.assert_nothing_left()

    await asyncio.to_thread(stopped)
    if number == signal.SIGINT:
        assert not list(tmp_path.glob(".harness/runs/*/workdir"))


async def test_a_missing_checkout_is_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "engine.yaml"
    shutil.copy(FACTORY, broken)
    broken.write_text(broken.read_text().replace("source: .", "source: nowhere"))
    spec = tmp_path / "library.yaml"
    spec.write_text("name: library\nidea: x\n")
    code, out, err = await asyncio.to_thread(
        run_harness, tmp_path, "compare", spec, "--control", f"external:{broken}"
    )
    assert (code, out) == (2, "")
    assert err == f"harness: {broken}:3: source: there is no folder {tmp_path / 'nowhere'}\n"
