"""The composition root of the async engine: puts one together from its settings."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from agents.build import BuildOutcome, TaskEvent
from agents.chat_protocol import ModelSettings
from agents.project import Order
from async_arch.composition import AgentCalls, Generation, Orchestration, StateStoreKind
from async_arch.estimates import TaskWeights
from async_arch.json_state import JsonStateStore
from async_arch.lease import LeaseRenewal, held_lease
from async_arch.mirror_state import MirrorStateStore, catch_up_s
from async_arch.model_calls import LimitedCalls, ModelCalls, open_calls
from async_arch.orchestrator import AsyncOrchestrator
from async_arch.performing import Perform, performing
from async_arch.redis_client import DEFAULT_PATIENCE_S, RedisConnection, open_redis
from async_arch.scheduler import Scheduler
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateStore
from async_arch.workspace import Workspace

__all__ = [
    "AsyncEngine",
    "AsyncEngines",
    "EngineSettings",
    "open_engine",
    "open_engines",
    "open_redis_state",
    "timestamp",
]


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an async engine is composed of; `redis_url` is needed where the state is in Redis."""

    agent_calls: AgentCalls = AgentCalls.ASYNC
    orchestration: Orchestration = Orchestration.CONCURRENT
    state_store: StateStoreKind = StateStoreKind.REDIS
    redis_url: str = ""
    redis_patience_s: float = DEFAULT_PATIENCE_S
    """How long Redis may be away before the build fails, or how long the end waits for a mirror there."""
    concurrency: int = 4
    weights: TaskWeights = field(default_factory=TaskWeights)
    """What tasks take: of those that are ready, the one with the most behind it begins first."""
    model: ModelSettings = field(default_factory=ModelSettings)
    exports_json: bool = True
    """Whether state that is in Redis is written as `blackboard.json` at the end."""
    generation: Generation = Generation.LLM
    templates: Path | None = None
    """A folder with templates that take the place of ours, for hybrid generation."""


class AsyncEngine:
    """An engine that is ready to build one project in its workspace, and the state it keeps."""

    def __init__(
        self,
        orchestrator: AsyncOrchestrator,
        state: StateStore,
        workspace: Workspace,
        *,
        patience_s: float = DEFAULT_PATIENCE_S,
        exports_json: bool = True,
    ) -> None:
        self._orchestrator = orchestrator
        self._state = state
        self._workspace = workspace
        self._patience_s = patience_s
        self._exports_json = exports_json

    async def build(self, order: Order) -> BuildOutcome:
        """Build what `order` asks for and, if it is to, leave `blackboard.json` beside the files."""
        return await self._build(order, resume=False)

    async def resume(self, order: Order) -> BuildOutcome:
        """Go on with a build of `order` that was broken off, or begin it where nothing had been begun.

        Tasks that ended are not done again.
        """
        return await self._build(order, resume=True)

    async def _build(self, order: Order, *, resume: bool) -> BuildOutcome:
        outcome = await self._orchestrator.build(order, resume=resume)
        if self._exports_json and not outcome.lost_state:
            board = json.dumps(await self._state.snapshot(), indent=2, ensure_ascii=False)
            await self._workspace.write({"blackboard.json": board + "\n"})
        if isinstance(self._state, MirrorStateStore):
            mirror = await self._state.mirrored(catch_up_s(self._patience_s))
            outcome = replace(outcome, mirror=mirror)
        return outcome

    def events(self) -> AsyncIterator[TaskEvent]:
        """The events of the build from the first on, as they come, until it is finished."""
        return self._state.events()


class AsyncEngines:
    """Engines for any number of builds at once in one process.

    They share a connection to Redis, a client of the model, and `concurrency` places, which go to the
    builds in turn; see `Scheduler`.
    """

    def __init__(
        self,
        settings: EngineSettings,
        perform: Perform,
        scheduler: Scheduler | None,
        redis: RedisConnection | None,
        renewal: LeaseRenewal | None,
    ) -> None:
        self._settings = settings
        self._perform = perform
        self._scheduler = scheduler
        self._redis = redis
        self._renewal = renewal

    @asynccontextmanager
    async def engine(self, run: str, project_dir: Path) -> AsyncIterator[AsyncEngine]:
        """An engine for one build in `project_dir`, its state under the name `run`.

        Raises as `open_engine`.
        """
        settings = self._settings
        workspace = Workspace(project_dir)
        async with self._state(run, project_dir) as state:
            orchestrator = AsyncOrchestrator(
                state=state,
                perform=self._perform,
                workspace=workspace,
                orchestration=settings.orchestration,
                concurrency=settings.concurrency,
                now=timestamp,
                weights=settings.weights,
                scheduler=self._scheduler,
            )
            yield AsyncEngine(
                orchestrator,
                state,
                workspace,
                patience_s=settings.redis_patience_s,
                exports_json=settings.exports_json or settings.state_store is not StateStoreKind.REDIS,
            )

    @asynccontextmanager
    async def _state(self, run: str, project_dir: Path) -> AsyncIterator[StateStore]:
        board_file = project_dir / "blackboard.json"
        if self._redis is not None:
            async with _held_state(self._redis, run, self._renewal) as state:
                yield state
        elif self._settings.state_store is StateStoreKind.MIRROR:
            async with MirrorStateStore.open(board_file, self._settings.redis_url, run) as mirrored:
                yield mirrored
        else:
            yield JsonStateStore(board_file)


@asynccontextmanager
async def open_engines(
    settings: EngineSettings, perform: Perform | None = None
) -> AsyncIterator[AsyncEngines]:
    """Engines for many builds, and what these share; raises as `open_engine`.

    `perform` does their tasks, where not the model of `settings` is to.
    """
    concurrent = settings.orchestration is Orchestration.CONCURRENT
    scheduler = Scheduler(settings.concurrency) if concurrent else None
    async with _engines(settings, scheduler, perform) as engines:
        yield engines


@asynccontextmanager
async def _engines(
    settings: EngineSettings, scheduler: Scheduler | None, perform: Perform | None
) -> AsyncIterator[AsyncEngines]:
    async with AsyncExitStack() as stack:
        redis, renewal = None, None
        if settings.state_store is StateStoreKind.REDIS:
            opened = open_redis(settings.redis_url, patience_s=settings.redis_patience_s)
            redis = await stack.enter_async_context(opened)
            renewal = await stack.enter_async_context(LeaseRenewal.running(settings.redis_url))
        if perform is None:
            calls = open_calls(settings.agent_calls, settings.model, timestamp)
            perform = _performer(settings, await stack.enter_async_context(calls))
        yield AsyncEngines(settings, perform, scheduler, redis, renewal)


@asynccontextmanager
async def open_engine(settings: EngineSettings, run: str, project_dir: Path) -> AsyncIterator[AsyncEngine]:
    """An engine for one build in `project_dir`, its state under the name `run`.

    Raises `StateUnavailable` where no Redis answers, `RunHeld` where another process works on that run.
    """
    async with _engines(settings, None, None) as engines, engines.engine(run, project_dir) as engine:
        yield engine


def _performer(settings: EngineSettings, calls: ModelCalls) -> Perform:
    """What does tasks as `settings` say."""
    if settings.generation is Generation.LLM:
        return performing(calls)
    # Loaded where it is wanted: whole files need no templates.
    from async_arch.hybrid_generator import HybridGenerator
    from async_arch.module_templates import ModuleTemplates

    concurrent = settings.orchestration is Orchestration.CONCURRENT
    limited = LimitedCalls(calls, settings.concurrency if concurrent else 1)
    return HybridGenerator(limited, ModuleTemplates(settings.templates)).perform


def timestamp() -> str:
    """The local time as an ISO timestamp with milliseconds and offset."""
    return _timestamp(time.time_ns() // 1_000_000)


# Tasks that begin and end together ask many times within a millisecond.
@lru_cache(maxsize=2)
def _timestamp(ms: int) -> str:
    date, offset = _local(ms // 1000)
    return f"{date}.{ms % 1000:03d}{offset}"


@lru_cache(maxsize=2)
def _local(second: int) -> tuple[str, str]:
    """The local time of a second since the epoch, and its offset, as they stand in a timestamp."""
    text = datetime.fromtimestamp(second).astimezone().isoformat(timespec="seconds")
    return text[:19], text[19:]


@asynccontextmanager
async def open_redis_state(url: str, run: str, patience_s: float) -> AsyncIterator[RedisStateManager]:
    """The state of `run` on the server at `url`, for this process alone; raises as `open_engine` does."""
    async with (
        open_redis(url, patience_s=patience_s) as connection,
        _held_state(connection, run) as state,
    ):
        yield state


@asynccontextmanager
async def _held_state(
    connection: RedisConnection, run: str, renewal: LeaseRenewal | None = None
) -> AsyncIterator[RedisStateManager]:
    async with (
        held_lease(connection, run, renewal=renewal) as token,
        RedisStateManager.on(connection, run, token) as state,
    ):
        yield state
