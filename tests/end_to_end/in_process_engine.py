"""The async engine in the process of the test, so that a test can break it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from agents.chat_protocol import ModelSettings
from async_arch.composition import AgentCalls, Orchestration, StateStoreKind
from async_arch.engine import EngineSettings, open_engine
from harness.engines.engine import EngineJob, EngineResult
from harness.record import Failure, Leaves


class InProcessEngine:
    """The composition `async`, run by the very code that a worker runs; an `Engine`."""

    name = "async"
    flags: Mapping[str, str] = {
        "state_store": "redis",
        "agent_calls": "async",
        "orchestration": "concurrent",
        "generation": "llm",
    }
    concurrent = True
    needs_redis = True
    not_resumable = None
    leaves = frozenset(Leaves)

    async def run(self, job: EngineJob) -> EngineResult:
        """Build in this process."""
        settings = EngineSettings(
            agent_calls=AgentCalls.ASYNC,
            orchestration=Orchestration.CONCURRENT,
            state_store=StateStoreKind.REDIS,
            redis_url=job.redis_url,
            concurrency=job.slots,
            model=ModelSettings(job.model, job.spec.options, job.call_timeout_s),
        )
        os.environ["OLLAMA_HOST"] = job.ollama_host
        async with open_engine(settings, job.run, job.project_dir) as engine:
            await job.begin()
            outcome = await engine.build(job.spec.order)
            await job.end()
            events = () if outcome.lost_state else tuple([event async for event in engine.events()])
        failures = [Failure(task=f.task, cause=f.cause, reason=f.reason) for f in outcome.failures]
        return EngineResult(0.0, tuple(failures), outcome.skipped, events)
