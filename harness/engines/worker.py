"""The process of an engine, `python -m harness.engines.worker`: one build, told and reported in lines.

The name of an engine may be given as an argument; it is then loaded before the job is there.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import traceback
from typing import IO

from pydantic import BaseModel

from agents.build import BuildOutcome, TaskEvent
from agents.conversation import Cause
from async_arch.collecting import collect_seldom
from async_arch.state_store import StateUnavailable
from harness.engines.registry import load_engine, run_job
from harness.engines.resources import ResourceMeter
from harness.engines.worker_protocol import Finished, Happened, Ready, WorkerJob
from harness.record.engine_resources import EngineResources
from harness.record.failure import Failure

__all__ = ["main"]


class _Channel:
    """The standard output as it was at the start; whatever else is printed goes to the log."""

    def __init__(self) -> None:
        self._out: IO[bytes] = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def send(self, line: BaseModel) -> None:
        self._out.write(line.model_dump_json().encode() + b"\n")


def main() -> None:
    """Run one build; what goes wrong in it is reported, not raised."""
    channel = _Channel()
    logging.basicConfig(format="%(asctime)s %(name)s %(levelname)s %(message)s", level=logging.WARNING)
    load_engine(*sys.argv[1:])
    loaded_s = time.monotonic()
    job = WorkerJob.model_validate_json(sys.stdin.buffer.readline())
    waited_s = time.monotonic() - loaded_s
    _settle(job)
    meter = ResourceMeter()

    def ready() -> None:
        channel.send(Ready(waited_s=waited_s))
        if not sys.stdin.buffer.readline():
            os._exit(128 + signal.SIGHUP)
        threading.Thread(target=_end_with_owner, name="owner", daemon=True).start()
        collect_seldom()
        meter.begin()

    def on_event(event: TaskEvent) -> None:
        channel.send(Happened.of(event))
        meter.sample()

    try:
        outcome = run_job(job, ready, on_event)
    except StateUnavailable as error:
        channel.send(_broken(Cause.STATE, "state", str(error)))
    except Exception as error:
        traceback.print_exc()
        channel.send(_broken(Cause.ENGINE, "engine", f"{type(error).__name__}: {error}"))
    else:
        channel.send(_finished(outcome, meter.end()))


def _settle(job: WorkerJob) -> None:
    """Go to where `job` is done."""
    if job.log is not None:
        log = os.open(job.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.close(log)
    if job.ollama_host is not None:
        os.environ["OLLAMA_HOST"] = job.ollama_host
    os.chdir(job.project_dir)


def _end_with_owner() -> None:
    """Wait until the owner closes our input; then nobody wants the result any more."""
    # Not through the buffer: its lock, held by a thread that waits, is fatal to an interpreter that ends.
    while os.read(0, 1024):
        pass
    os._exit(128 + signal.SIGHUP)


def _finished(outcome: BuildOutcome, resources: EngineResources) -> Finished:
    failures = [Failure(task=f.task, cause=f.cause, reason=f.reason) for f in outcome.failures]
    return Finished(
        failures=tuple(failures), skipped=outcome.skipped, mirror=outcome.mirror, resources=resources
    )


def _broken(cause: Cause, task: str, reason: str) -> Finished:
    return Finished(failures=(Failure(task=task, cause=cause, reason=reason),), skipped=())


if __name__ == "__main__":
    main()
