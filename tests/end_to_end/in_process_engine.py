"""An engine of this project in the process of the test, so that a test can break it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from agents.build import TaskEvent
from agents.conversation import Cause
from async_arch.state_store import StateUnavailable
from harness.engines.composition import Composition, parse_engine
from harness.engines.engine import EngineJob, EngineResult
from harness.engines.registry import run_job
from harness.engines.worker_engine import WorkerEngine, worker_job_of
from harness.record import Failure, Leaves

_BEGIN_TIMEOUT_S = 30.0


class InProcessEngine:
    """The engine called `name`, run in a thread by the very code that a worker runs; an `Engine`."""

    leaves = frozenset(Leaves)

    def __init__(self, name: str = "async") -> None:
        self.name = name
        self._composition: Composition = parse_engine(name)
        self.flags: Mapping[str, str] = self._composition.as_flags()
        self.concurrent = self._composition.concurrent
        self.needs_redis = self._composition.needs_redis
        self.not_resumable = WorkerEngine(name, self._composition).not_resumable

    async def run(self, job: EngineJob) -> EngineResult:
        """Build in this process. It can neither be cancelled nor does it keep to the job's deadline."""
        loop = asyncio.get_running_loop()
        events: list[TaskEvent] = []

        def ready() -> None:
            asyncio.run_coroutine_threadsafe(_begun(job), loop).result(_BEGIN_TIMEOUT_S)

        with _model_at(job.ollama_host):
            try:
                outcome = await asyncio.to_thread(
                    run_job, worker_job_of(self._composition, job), ready, events.append
                )
            except StateUnavailable as error:
                return _broken(Cause.STATE, "state", str(error), events)
            except Exception as error:
                return _broken(Cause.ENGINE, "engine", f"{type(error).__name__}: {error}", events)
        await job.end()
        failures = [Failure(task=f.task, cause=f.cause, reason=f.reason) for f in outcome.failures]
        return EngineResult(0.0, tuple(failures), outcome.skipped, tuple(events), mirror=outcome.mirror)


async def _begun(job: EngineJob) -> None:
    await job.begin()


def _broken(cause: Cause, task: str, reason: str, events: list[TaskEvent]) -> EngineResult:
    return EngineResult(0.0, (Failure(task=task, cause=cause, reason=reason),), (), tuple(events))


@contextmanager
def _model_at(host: str) -> Iterator[None]:
    """The clients' environment for as long as an engine runs."""
    before = os.environ.get("OLLAMA_HOST")
    os.environ["OLLAMA_HOST"] = host
    try:
        yield
    finally:
        if before is None:
            del os.environ["OLLAMA_HOST"]
        else:
            os.environ["OLLAMA_HOST"] = before
