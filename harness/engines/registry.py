"""The registry of engines: the only place outside `legacy/` that knows the legacy engine.

Deleting the folder `legacy/` retires that engine; the others go on. An engine is loaded where it runs: the
harness itself needs neither, nor the clients they bring.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from agents.build import BuildOutcome, TaskEvent
from agents.chat_protocol import ModelSettings
from async_arch.composition import AgentCalls, Generation, Orchestration, StateStoreKind
from async_arch.estimates import TaskWeights
from async_arch.state_store import StateUnavailable
from harness.engines.worker_protocol import WorkerJob
from harness.errors import BadInputError

if TYPE_CHECKING:
    from async_arch.engine import AsyncEngine

__all__ = ["legacy_is_retired", "load_engine", "require_available", "run_job"]

_log = logging.getLogger(__name__)


_LOADED_FOR = {"legacy": ("legacy.factory_boss", "legacy.ollama_calls"), "async": ("async_arch.engine",)}


def load_engine(name: str = "") -> None:
    """Load what the engine called `name` needs, where the name alone says what that is."""
    for module in _LOADED_FOR.get(name.partition(":")[0], ()):
        # One that is missing is missed when it is to run.
        with suppress(ImportError):
            import_module(module)


def legacy_is_retired() -> bool:
    """Whether the folder of the legacy engine has been deleted."""
    return importlib.util.find_spec("legacy") is None


def require_available(family: str) -> None:
    """Raise `BadInputError` where the legacy engine is asked for and has been retired."""
    if family == "legacy" and legacy_is_retired():
        raise BadInputError(
            "the legacy engine, which phase:1 is too, has been retired: the folder legacy/ is gone; use "
            "phase:2, or async:agent_calls=blocking,orchestration=sequential, which "
            "goes about it as legacy did"
        )


def run_job(job: WorkerJob, ready: Callable[[], None], on_event: Callable[[TaskEvent], None]) -> BuildOutcome:
    """Build in this process and block until it is done.

    `ready` is called once everything is loaded and open, and returns when work may begin. Raises
    `StateUnavailable` where no Redis answers.
    """
    if job.family == "legacy":
        return _run_legacy(job, ready, on_event)
    return asyncio.run(_run_async(job, ready, on_event))


def _run_legacy(
    job: WorkerJob, ready: Callable[[], None], on_event: Callable[[TaskEvent], None]
) -> BuildOutcome:
    from harness.engines.legacy_state import open_legacy_state
    from legacy.factory_boss import FactoryBoss, timestamp
    from legacy.json_blackboard import JsonBlackboard
    from legacy.ollama_calls import OllamaCalls

    with (
        OllamaCalls(_model(job), timestamp) as call,
        open_legacy_state(
            StateStoreKind(job.flags["state_store"]),
            JsonBlackboard,
            url=job.redis_url,
            run=job.run,
            patience_s=job.redis_patience_s,
        ) as state,
    ):

        def tell(event: TaskEvent) -> None:
            state.announce(event)
            on_event(event)

        boss = FactoryBoss(Path(job.project_dir), call, timestamp, tell, state.open_board)
        ready()
        outcome = boss.build(job.order)
        return replace(outcome, mirror=state.mirrored())


async def _run_async(
    job: WorkerJob, ready: Callable[[], None], on_event: Callable[[TaskEvent], None]
) -> BuildOutcome:
    from async_arch.engine import EngineSettings, open_engine

    settings = EngineSettings(
        agent_calls=AgentCalls(job.flags["agent_calls"]),
        orchestration=Orchestration(job.flags["orchestration"]),
        state_store=StateStoreKind(job.flags["state_store"]),
        redis_url=job.redis_url,
        redis_patience_s=job.redis_patience_s,
        concurrency=job.concurrency,
        model=_model(job),
        exports_json=job.exports_json,
        generation=Generation(job.flags["generation"]),
        templates=Path(job.templates) if job.templates else None,
        weights=job.weights or TaskWeights(),
        workers=job.workers,
    )
    async with open_engine(settings, job.run, Path(job.project_dir)) as engine:
        await asyncio.to_thread(ready)
        async with asyncio.TaskGroup() as group:
            listener = group.create_task(_forward(engine, on_event))
            outcome = await (engine.resume if job.resume else engine.build)(job.order)
            if outcome.lost_state:
                # Its end is never announced.
                listener.cancel()
    return outcome


async def _forward(engine: AsyncEngine, on_event: Callable[[TaskEvent], None]) -> None:
    try:
        async for event in engine.events():
            on_event(event)
    except StateUnavailable as error:
        _log.warning("events are no longer read: %s", error)


def _model(job: WorkerJob) -> ModelSettings:
    return ModelSettings(job.model, job.options, job.call_timeout_s)
