"""The process of an engine: it does not outlive its owner."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.engines.composition import parse_engine
from harness.engines.worker_protocol import GO, Finished, WorkerJob, worker_message
from tests.gateway.scripted_ollama import Exchange
from tests.threaded_ollama import threaded_ollama


async def _hang(exchange: Exchange) -> None:
    await exchange.client_gone()


async def _no_such_model(exchange: Exchange) -> None:
    await exchange.whole(404, {"error": "model 'm' not found"})


def test_a_worker_whose_owner_is_gone_ends_although_its_model_hangs(tmp_path: Path) -> None:
    job = _job(tmp_path)
    with threaded_ollama(_hang) as model:
        worker = subprocess.Popen(
            [sys.executable, "-m", "harness.engines.worker"],
            env={**os.environ, "OLLAMA_HOST": model.url, "NO_PROXY": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert worker.stdin is not None
        assert worker.stdout is not None
        with worker:
            worker.stdin.write(job.model_dump_json().encode() + b"\n")
            worker.stdin.flush()
            assert b"ready" in worker.stdout.readline()
            worker.stdin.write(GO)
            worker.stdin.close()
            try:
                assert worker.wait(10) == 129
            finally:
                worker.kill()


def test_a_worker_that_has_finished_ends_by_itself(tmp_path: Path) -> None:
    """While it still listens for its owner, in a thread that waits for as long as the owner lives."""
    job = _job(tmp_path)
    with threaded_ollama(_no_such_model) as model:
        worker = subprocess.Popen(
            [sys.executable, "-m", "harness.engines.worker"],
            env={**os.environ, "OLLAMA_HOST": model.url, "NO_PROXY": "127.0.0.1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert worker.stderr is not None
        with worker:
            worker.stdin.write(job.model_dump_json().encode() + b"\n" + GO)
            worker.stdin.flush()
            try:
                finished = worker_message(worker.stdout.read().splitlines()[-1])
                assert (worker.stderr.read(), worker.wait(10)) == (b"", 0)
            finally:
                worker.kill()
    assert isinstance(finished, Finished)
    assert finished.failures
    used = finished.resources
    assert used is not None
    assert used.cpu_s > 0
    assert (used.open_sockets, used.open_files) == (0, 0)


def test_a_worker_goes_to_where_its_job_is_and_prints_to_its_log(tmp_path: Path) -> None:
    """It was started before there was either."""
    (tmp_path / "files").mkdir()
    log = tmp_path / "engine.log"
    log.write_text("before\n")
    job = _job(tmp_path / "files").model_copy(update={"log": str(log), "ollama_host": "http://there"})
    code = (
        "import os, sys; from harness.engines.worker import _settle; "
        "from harness.engines.worker_protocol import WorkerJob; "
        f"_settle(WorkerJob.model_validate_json({job.model_dump_json()!r})); "
        "print(os.getcwd(), flush=True); print(os.environ['OLLAMA_HOST'], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=30)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert log.read_text() == f"before\n{tmp_path / 'files'}\nhttp://there\n"


def _job(project_dir: Path) -> WorkerJob:
    return WorkerJob(
        family="legacy",
        flags=parse_engine("legacy").as_flags(),
        run="run",
        project_dir=str(project_dir),
        idea="A shop.",
        hints=(),
        model="m",
        options={},
        redis_url="",
        concurrency=1,
        call_timeout_s=600,
    )
