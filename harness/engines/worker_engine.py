"""The engines of this project, each build in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path

from pydantic import ValidationError

from agents.build import TaskEvent
from agents.conversation import Cause
from async_arch.composition import StateStoreKind
from harness.engines.ahead import started_worker
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
from harness.gateway.started_process import StartedProcess
from harness.record import Failure, Leaves

__all__ = ["WorkerEngine", "worker_job_of"]

_START_TIMEOUT_S = 60.0
_END_TIMEOUT_S = 10.0
_MOST_WORDS = 1 << 20


class _NoResult(Exception):
    """The worker ended, or said something else than it may."""


class WorkerEngine:
    """An engine of this project, composed of `composition`; a worker process is started for each run.

    `worker` is the one for the first run, where it loads already.
    """

    def __init__(self, name: str, composition: Composition, worker: StartedProcess | None = None) -> None:
        self._name = name
        self._composition = composition
        self._ahead = worker

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
        startup_s = 0.0
        events: list[TaskEvent] = []
        message: WorkerMessage
        try:
            async with _worker(self._started(), job.log) as worker:
                async with asyncio.timeout(_START_TIMEOUT_S):
                    message = await self._start(worker, job)
                startup_s = time.monotonic() - worker.began_s
                if isinstance(message, Ready):
                    startup_s -= message.waited_s
                    async with asyncio.timeout(job.deadline_s):
                        await job.begin()
                        await worker.tell(GO)
                        message = await _until_finished(worker.process, job, events)
                        await job.end()
        except TimeoutError:
            reason = f"not finished within {job.deadline_s:g} s" if startup_s else "the engine did not start"
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

    def _started(self) -> AbstractAsyncContextManager[StartedProcess]:
        """A worker that was told nothing yet. One that was started ahead is ended by whoever did so, too."""
        ahead, self._ahead = self._ahead, None
        return started_worker(self._name) if ahead is None else nullcontext(ahead)

    async def _start(self, worker: StartedProcess, job: EngineJob) -> WorkerMessage:
        await worker.tell(worker_job_of(self._composition, job).model_dump_json().encode() + b"\n")
        return await _read(worker.process)


def worker_job_of(composition: Composition, job: EngineJob) -> WorkerJob:
    """What a worker is told of `job`, whose engine is composed of `composition`."""
    spec = job.spec
    return WorkerJob.model_validate(
        {
            "family": composition.family,
            "flags": composition.as_flags(),
            "run": job.run,
            "project_dir": str(job.project_dir),
            "log": str(job.log),
            "ollama_host": job.ollama_host,
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
            "workers": job.workers if "executor" in composition.as_flags() else None,
            "weights": job.weights,
        }
    )


@asynccontextmanager
async def _worker(
    started: AbstractAsyncContextManager[StartedProcess], log: Path
) -> AsyncIterator[StartedProcess]:
    async with started as worker:
        try:
            yield worker
        finally:
            await _end(worker.process)
            # What it said before it knew of the log.
            with log.open("ab") as file:
                file.write(worker.said(_MOST_WORDS))


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
