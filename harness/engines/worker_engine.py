"""The engines of this project, each build in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from pydantic import ValidationError

from agents.build import TaskEvent
from agents.conversation import Cause
from async_arch.composition import StateStoreKind
from harness.engines.composition import Composition
from harness.engines.engine import EngineJob, EngineResult
from harness.engines.last_words import last_words
from harness.engines.worker_protocol import (
    GO,
    Finished,
    Happened,
    Ready,
    WorkerJob,
    WorkerMessage,
    worker_message,
)
from harness.record import Failure, Leaves

__all__ = ["WorkerEngine", "worker_job_of"]

_START_TIMEOUT_S = 60.0
_END_TIMEOUT_S = 10.0
_LINE_LIMIT = 1 << 20


class _NoResult(Exception):
    """The worker ended, or said something else than it may."""


class WorkerEngine:
    """An engine of this project, composed of `composition`; a worker process is started for each run."""

    def __init__(self, name: str, composition: Composition) -> None:
        self._name = name
        self._composition = composition

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def flags(self) -> Mapping[str, str]:
        """What it is composed of, by flag."""
        return self._composition.as_flags()

    @property
    def concurrent(self) -> bool:
        """Whether it can have several calls to the model under way."""
        return self._composition.concurrent

    @property
    def needs_redis(self) -> bool:
        """Whether a job must carry a Redis URL."""
        return self._composition.needs_redis

    @property
    def not_resumable(self) -> str | None:
        """Why a run of it that is cut off cannot be resumed; None where it can."""
        if self._composition.family == "legacy":
            return "the legacy engine begins anew every time"
        store = self._composition.state_store
        if store is not StateStoreKind.REDIS:
            return f"its state_store is {store}, and only redis remembers which tasks are done"
        return None

    @property
    def leaves(self) -> frozenset[Leaves]:
        """All that can be compared."""
        return frozenset(Leaves)

    async def run(self, job: EngineJob) -> EngineResult:
        """Build in a worker process; it is gone when this returns or is cancelled."""
        started = time.monotonic()
        startup_s = 0.0
        events: list[TaskEvent] = []
        async with _worker(job) as process:
            try:
                async with asyncio.timeout(_START_TIMEOUT_S):
                    message = await self._start(process, job)
                startup_s = time.monotonic() - started
                if isinstance(message, Ready):
                    async with asyncio.timeout(job.deadline_s):
                        await job.begin()
                        await _write(process, GO)
                        message = await _until_finished(process, job, events)
                        await job.end()
            except TimeoutError:
                reason = (
                    f"not finished within {job.deadline_s:g} s" if startup_s else "the engine did not start"
                )
                return _failed(Cause.DEADLINE, reason, startup_s, events)
            except _NoResult as problem:
                return _failed(Cause.ENGINE, f"{problem}{last_words(job.log)}", startup_s, events)
        if isinstance(message, Finished):
            return EngineResult(
                startup_s,
                message.failures,
                message.skipped,
                tuple(events),
                mirror=message.mirror,
                resources=message.resources,
            )
        return _failed(Cause.ENGINE, "the engine's process said nothing of its result", startup_s, events)

    async def _start(self, process: Process, job: EngineJob) -> WorkerMessage:
        worker_job = worker_job_of(self._composition, job)
        await _write(process, worker_job.model_dump_json().encode() + b"\n")
        return await _read(process)


def worker_job_of(composition: Composition, job: EngineJob) -> WorkerJob:
    """What a worker is told of `job`, whose engine is composed of `composition`."""
    spec = job.spec
    return WorkerJob.model_validate(
        {
            "family": composition.family,
            "flags": composition.as_flags(),
            "run": job.run,
            "project_dir": str(job.project_dir),
            "idea": spec.idea,
            "hints": [
                {
                    "name": hint.name,
                    "module_type": hint.module_type,
                    "description": hint.description,
                    "requires": hint.requires,
                }
                for hint in spec.order.hints
            ],
            "model": job.model,
            "options": spec.options,
            "redis_url": job.redis_url,
            "redis_patience_s": job.redis_patience_s,
            "concurrency": job.slots,
            "call_timeout_s": job.call_timeout_s,
            "resume": job.resume,
            "exports_json": job.exports_json,
            "templates": str(job.templates) if job.templates else None,
            "weights": job.weights,
        }
    )


@asynccontextmanager
async def _worker(job: EngineJob) -> AsyncIterator[Process]:
    environment = {
        **os.environ,
        "OLLAMA_HOST": job.ollama_host,
        # A proxy in the environment would keep the engine from the loopback.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
    }
    with job.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # Not from the working directory, where an AgentFactory may have an `agents` of its own.
            "-P",
            "-m",
            "harness.engines.worker",
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            env=environment,
            cwd=job.project_dir,
            limit=_LINE_LIMIT,
            # Ctrl-C is for the harness, which ends its engines itself.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """Let the worker go: at the end of its input it does so by itself."""
    try:
        async with asyncio.timeout(_END_TIMEOUT_S):
            if process.stdin is not None:
                process.stdin.close()
            await process.communicate()
    except TimeoutError:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        # asyncio does that a moment later by itself, when the loop may be gone.
        process._transport.close()  # type: ignore[attr-defined]


async def _write(process: Process, line: bytes) -> None:
    if process.stdin is None:
        raise _NoResult("the engine's process has no input")
    process.stdin.write(line)
    with suppress(ConnectionError):
        await process.stdin.drain()


async def _read(process: Process) -> WorkerMessage:
    if process.stdout is None:
        raise _NoResult("the engine's process has no output")
    try:
        line = await process.stdout.readline()
        if not line:
            status = await process.wait()
            raise _NoResult(f"the engine's process ended with exit status {status}")
        return worker_message(line)
    except (ValidationError, ValueError) as error:
        raise _NoResult(f"the engine's process said something unexpected ({type(error).__name__})") from error


async def _until_finished(process: Process, job: EngineJob, events: list[TaskEvent]) -> WorkerMessage:
    while isinstance(message := await _read(process), Happened):
        events.append(message.task_event)
        job.on_event(message.task_event)
    return message


def _failed(cause: Cause, reason: str, startup_s: float, events: list[TaskEvent]) -> EngineResult:
    return EngineResult(startup_s, (Failure(task="engine", cause=cause, reason=reason),), (), tuple(events))
