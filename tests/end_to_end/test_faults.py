"""What goes wrong around the engines: it ends in a result or in one line, and leaves nothing running."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agents.build import EventKind, TaskEvent
from agents.conversation import Cause
from async_arch.embedded_redis import embedded_redis
from harness.compare import Status, compare
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.record import RunRecord
from harness.session import SessionSettings, open_session
from harness.spec import Spec, find_specs
from tests.end_to_end.harness_command import run_command
from tests.end_to_end.harness_process import (
    STEADY,
    installed_harness,
    listening_ports,
    run_harness,
)
from tests.end_to_end.in_process_engine import InProcessEngine
from tests.gateway.scripted_ollama import Exchange, Script, line
from tests.threaded_ollama import threaded_ollama

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc")

SPEC = """
name: shop
idea: A shop.
modules:
  - {name: Users, module_type: data, description: Users with a name}
  - {name: Orders, module_type: service, description: Orders; place and cancel, requires: [Users]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(SPEC)
    return tmp_path


def test_no_redis_at_the_url_is_one_line_and_exit_3(folder: Path) -> None:
    code, out, err = run_harness(
        folder, "compare", "shop.yaml", "--model", "simulated", "--redis", "redis://:secret@127.0.0.1:1/0"
    )
    assert (code, out) == (3, "")
    assert "no answer from Redis at redis://:***@127.0.0.1:1/0" in err
    assert err.count("\n") == 1
    assert "secret" not in err


@pytest.mark.parametrize(
    ("model", "instead"),
    [
        ("ollama:http://127.0.0.1:1", "--model simulated"),
        ("record:tapes@http://127.0.0.1:1", "--model record:tapes@simulated"),
    ],
)
def test_no_ollama_where_one_was_asked_for_is_one_line_and_exit_3(
    folder: Path, model: str, instead: str
) -> None:
    code, out, err = run_command(folder, "compare", "shop.yaml", "--model", model)
    assert (code, out) == (3, "")
    assert "no Ollama answers at http://127.0.0.1:1" in err
    assert err.endswith(f"or use {instead}\n")
    assert err.count("\n") == 1
    assert not (folder / "tapes").exists()


async def _run(
    folder: Path, redis: str, on_event: Callable[[TaskEvent], None], engine: str = "async", **limits: float
) -> RunRecord:
    (spec,) = find_specs([folder / "shop.yaml"])
    steady = SimulateSettings(ttft_s=0.1, tokens_per_s=1500)
    settings = SessionSettings(
        model="simulated", simulated=steady, redis=redis, store=folder / "store", **limits
    )
    async with open_session(settings, needs_redis=True) as session:
        return await session.run(spec, find_engine(engine), on_event)


def _on_first_design(act: Callable[[], None]) -> Callable[[TaskEvent], None]:
    def on_event(event: TaskEvent) -> None:
        if event.kind is EventKind.TASK_COMPLETED and event.task == "architect:Users":
            act()

    return on_event


@pytest.mark.parametrize("engine", ["async", "phase:1"])
async def test_redis_killed_in_mid_run_is_a_result(engine: str, folder: Path) -> None:
    """The run fails with the reason; it is the surroundings' fault and never a mismatch of the engines."""
    async with embedded_redis() as server:
        kill = _on_first_design(lambda: os.kill(server.pid, signal.SIGKILL))
        record = await _run(folder, server.url, kill, engine, redis_patience_s=0.5)
    (failure,) = record.summary.outcome.failures
    assert (failure.task, failure.cause) == ("state", Cause.STATE)
    assert failure.reason.startswith("no answer from Redis at unix:")
    (spec,) = find_specs([folder / "shop.yaml"])
    assert compare(spec, record, record).verdict.status is Status.ERROR
    assert "Traceback" not in (record.folder / "engine.log").read_text()


async def test_redis_killed_beside_a_run_that_it_mirrors_costs_the_evidence_and_not_the_run(
    folder: Path,
) -> None:
    async with embedded_redis() as server:
        kill = _on_first_design(lambda: os.kill(server.pid, signal.SIGKILL))
        engine = "legacy:state_store=mirror"
        record = await _run(folder, server.url, kill, engine, redis_patience_s=0.5)
    assert record.summary.outcome.failures == ()
    (spec,) = find_specs([folder / "shop.yaml"])
    verdict = compare(spec, record, record).verdict
    assert verdict.status is Status.INCONCLUSIVE
    assert "mirror in Redis did not keep up" in verdict.reasons[0]
    assert "no answer from Redis at unix:" in verdict.reasons[0]
    assert "Traceback" not in (record.folder / "engine.log").read_text()


async def test_an_engine_that_dies_is_a_result(folder: Path) -> None:
    def kill() -> None:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        (engine,) = [
            c for c in children if b"harness.engines.worker" in Path(f"/proc/{c}/cmdline").read_bytes()
        ]
        os.kill(int(engine), signal.SIGKILL)

    record = await _run(folder, "embedded", _on_first_design(kill))
    (failure,) = record.summary.outcome.failures
    assert (failure.task, failure.cause) == ("engine", Cause.ENGINE)
    assert failure.reason.startswith("the engine's process ended with exit status -9")
    assert [event.task for event in record.events if event.task][:2] == ["analyst", "analyst"]


async def test_a_run_that_takes_too_long_is_ended(folder: Path) -> None:
    record = await _run(folder, "embedded", lambda _: None, deadline_s=1)
    (failure,) = record.summary.outcome.failures
    assert (failure.cause, failure.reason) == (Cause.DEADLINE, "not finished within 1 s")
    assert record.summary.wall_s < 30
    assert record.calls, "what was said until then is kept"


async def _tags(exchange: Exchange) -> bool:
    """Answer what is asked before any run; True where this was it."""
    if exchange.target.endswith("/api/version"):
        await exchange.whole(200, {"version": "0.6"})
    elif exchange.target.endswith("/api/tags"):
        await exchange.whole(200, {"models": [{"name": "llama3.1:latest"}]})
    else:
        return False
    return True


async def _status_500(exchange: Exchange) -> None:
    if not await _tags(exchange):
        await exchange.whole(500, {"error": "out of memory"})


async def _cut(exchange: Exchange) -> None:
    if not await _tags(exchange):
        await exchange.head()
        await exchange.chunk(line("```yaml\nmodules:"))
        await exchange.end()


async def _hang(exchange: Exchange) -> None:
    if not await _tags(exchange):
        await exchange.client_gone()


async def _nonsense(exchange: Exchange) -> None:
    if not await _tags(exchange):
        await exchange.head()
        await exchange.chunk(line("I would rather talk about the weather.") + line("", done=True))
        await exchange.end()


@pytest.mark.usefixtures("forked_processes")
def test_a_model_that_fails_is_a_result_of_both_engines(folder: Path) -> None:
    with threaded_ollama(_status_500) as model:
        code, out, err = run_command(
            folder, "compare", "shop.yaml", "--model", f"ollama:{model.url}", "--json"
        )
    (comparison,) = json.loads(out)
    assert code == 3
    assert comparison["verdict"]["status"] == "ERROR"
    for side in ("control", "candidate"):
        (failure,) = comparison[side]["outcome"]["failures"]
        assert (failure["task"], failure["cause"]) == ("analyst", "model")
        assert "500: out of memory" in failure["reason"]
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("script", "patience_s", "cause", "words", "calls"),
    [
        (_cut, 30.0, Cause.MODEL, "cut", 4),
        (_hang, 0.5, Cause.MODEL, "no whole answer within 0.5 s", 1),
        (_nonsense, 30.0, Cause.ANSWER, "no usable answer in 3 attempts", 3),
    ],
)
@pytest.mark.usefixtures("forked_processes")
async def test_no_usable_answer_fails_both_engines_alike(
    tmp_path: Path, script: Script, patience_s: float, cause: Cause, words: str, calls: int
) -> None:
    spec = Spec(name="shop", idea="A shop.")
    with threaded_ollama(script) as model:
        settings = SessionSettings(model=f"ollama:{model.url}", call_timeout_s=patience_s, store=tmp_path)
        async with open_session(settings, needs_redis=True) as session:
            runs = [
                await session.run(spec, InProcessEngine(name), lambda _: None) for name in ("legacy", "async")
            ]
    for run in runs:
        (failure,) = run.summary.outcome.failures
        assert (failure.task, failure.cause) == ("analyst", cause)
        assert words in failure.reason
        assert len(run.calls) == calls
        assert not any(facts.size == 0 for facts in run.summary.files.values())
    assert compare(spec, *runs).verdict.status is Status.ERROR


@pytest.mark.parametrize(
    ("number", "code", "engine"), [(signal.SIGINT, 130, "async"), (signal.SIGTERM, 143, "legacy")]
)
def test_stopped_in_mid_run_everything_ends(folder: Path, number: int, code: int, engine: str) -> None:
    arguments = ("compare", "shop.yaml", "--control", engine, "--model", "simulated")
    hanging = ("--fault", "role=developer:hang")
    with installed_harness(folder, *arguments, *STEADY, *hanging) as running:
        running.wait_for("architect:Users done")
        ports = listening_ports(list(running.relatives()))
        assert ports, "the gateway listens"
        running.process.send_signal(number)
        # Less than an engine would be waited for that is not told to go.
        assert running.finish(8) == code
        running.assert_nothing_left()
        running.assert_no_temporary_files()
    assert "Traceback" not in running.errors
    assert "stopped" in running.errors.splitlines()[-1]
    assert not ports & _open_ports()


def test_a_harness_that_is_killed_leaves_nothing_running(folder: Path) -> None:
    arguments = ("compare", "shop.yaml", "--control", "async", "--model", "simulated")
    with installed_harness(folder, *arguments, *STEADY) as running:
        running.wait_for("architect:Users done")
        assert len(running.relatives()) >= 3, "gateway, engine and Redis live"
        running.process.kill()
        running.assert_nothing_left()


def _open_ports() -> set[int]:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {int(fields[1].partition(":")[2], 16) for fields in map(str.split, lines) if fields[3] == "0A"}
