"""What is started ahead of a comparison: its first run takes it, and it is gone however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from harness.engines.ahead import started_ahead, started_worker
from harness.engines.engine import EngineJob
from harness.engines.finding import find_engine
from harness.engines.registry import _LOADED_FOR
from harness.spec import Spec
from tests.gateway.scripted_ollama import Exchange
from tests.threaded_ollama import threaded_ollama

SPEC = Spec(name="notes", idea="Notes.")


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("engine", ["legacy", "async:state_store=json", "no such engine"])
async def test_what_nobody_takes_is_gone_with_the_command(engine: str) -> None:
    async with started_ahead(engine) as ahead:
        assert ahead.gateway is not None
        assert ahead.worker is not None
    assert gone(ahead.gateway.process.pid)
    assert gone(ahead.worker.process.pid)


async def test_an_external_engine_has_no_worker() -> None:
    async with started_ahead("external:theirs.toml") as ahead:
        assert ahead.gateway is not None
        assert ahead.worker is None


def test_all_that_is_loaded_for_an_engine_is_there() -> None:
    """A module that is not is passed over, as the legacy engine may be gone."""
    for modules in _LOADED_FOR.values():
        for module in modules:
            import_module(module)


async def test_the_worker_is_of_the_first_run_and_the_next_has_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://of:the:user")
    with threaded_ollama(_no_such_model) as model:
        async with started_worker("legacy") as worker:
            engine = find_engine("legacy", worker)
            first = await engine.run(_job(tmp_path, "first", model.url))
            assert gone(worker.process.pid)
            second = await engine.run(_job(tmp_path, "second", model.url))
    for result in (first, second):
        assert ["no such model here" in failure.reason for failure in result.failures] == [True]
        assert result.resources is not None
    assert (tmp_path / "first" / "engine.log").read_bytes() == b""


async def test_time_in_which_a_worker_only_waits_for_its_job_is_no_start_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _scripted_python(
        monkeypatch, tmp_path, """read job; echo '{"kind": "ready", "waited_s": 1000}'; read go"""
    )
    result = await find_engine("legacy").run(_job(tmp_path, "run"))
    assert -1000 < result.startup_s < -900


async def test_what_a_worker_says_before_it_knows_of_the_log_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _scripted_python(monkeypatch, tmp_path, "echo first words >&2; echo no such library >&2; exit 3")
    result = await find_engine("legacy").run(_job(tmp_path, "run"))
    assert [failure.reason for failure in result.failures] == [
        "the engine's process ended with exit status 3: no such library"
    ]
    assert (tmp_path / "run" / "engine.log").read_text() == "first words\nno such library\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_comparison_that_is_stopped_while_it_loads_leaves_no_process(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("name: notes\nidea: Notes.\n")
    command = [sys.executable, "-m", "harness.cli", "compare", str(spec), "--model", "simulated"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            while len(started := children.read_text().split()) < 2:
                assert process.poll() is None
                time.sleep(0.002)
            process.send_signal(number)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, errors.splitlines()[-1][:18]) == (code, b"harness: stopped; ")
    assert all(gone(int(pid)) for pid in started)
    assert not (tmp_path / ".harness").exists()


async def _no_such_model(exchange: Exchange) -> None:
    await exchange.whole(404, {"error": "no such model here"})


def _job(folder: Path, name: str, ollama_host: str = "") -> EngineJob:
    async def nothing() -> None: ...

    async def no_calls() -> str:
        return ""

    (folder / name / "files").mkdir(parents=True)
    return EngineJob(
        run=name,
        spec=SPEC,
        model="m",
        project_dir=folder / name / "files",
        log=folder / name / "engine.log",
        ollama_host=ollama_host,
        redis_url="",
        slots=1,
        call_timeout_s=10,
        deadline_s=60,
        begin=nothing,
        end=nothing,
        on_event=lambda _: None,
        on_progress=lambda _: None,
        calls_so_far=no_calls,
    )


def _scripted_python(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
