"""The composition root of the async engine: puts one together from its settings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from agents.build import BuildOutcome, TaskEvent
from agents.chat_protocol import ModelSettings
from agents.project import Order
from async_arch.composition import AgentCalls, Generation, Orchestration, StateStoreKind
from async_arch.estimates import TaskWeights
from async_arch.executor import LocalExecutor, TaskExecutor
from async_arch.json_state import JsonStateStore
from async_arch.lease import LeaseRenewal, held_lease
from async_arch.mirror_state import MirrorStateStore, catch_up_s
from async_arch.model_calls import open_calls
from async_arch.orchestrator import AsyncOrchestrator
from async_arch.performer import performer
from async_arch.performing import Perform
from async_arch.redis_client import DEFAULT_PATIENCE_S, RedisConnection, open_redis
from async_arch.scheduler import Scheduler
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateStore
from async_arch.timestamps import timestamp
from async_arch.workers.settings import WorkersSettings
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


_Executors = Callable[[StateStore], AbstractAsyncContextManager[TaskExecutor]]


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
    workers: WorkersSettings | None = None
    """The workers that do the tasks; None: they are done here."""


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
        executors: _Executors,
        scheduler: Scheduler | None,
        redis: RedisConnection | None,
        renewal: LeaseRenewal | None,
    ) -> None:
        self._settings = settings
        self._executors = executors
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
        async with self._state(run, project_dir) as state, self._executors(state) as executor:
            orchestrator = AsyncOrchestrator(
                state=state,
                executor=executor,
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
        executors = await stack.enter_async_context(_open_executors(settings, perform, redis))
        yield AsyncEngines(settings, executors, scheduler, redis, renewal)


@asynccontextmanager
async def _open_executors(
    settings: EngineSettings, perform: Perform | None, redis: RedisConnection | None
) -> AsyncIterator[_Executors]:
    """What does the tasks of a build, for the state of each, and what all of them share."""
    async with AsyncExitStack() as stack:
        if settings.workers is not None:
            if redis is None:
                raise ValueError("workers find a build only where its state is in Redis")
            # Loaded where it is wanted: docket brings much along.
            from async_arch.workers.executors import open_executors

            opened = open_executors(settings.workers, redis, settings.model, settings.generation)
            yield await stack.enter_async_context(opened)
            return
        if perform is None:
            calls = open_calls(settings.agent_calls, settings.model, timestamp)
            concurrent = settings.orchestration is Orchestration.CONCURRENT
            perform = performer(
                settings.generation,
                await stack.enter_async_context(calls),
                templates=settings.templates,
                at_once=settings.concurrency if concurrent else 1,
            )
        performs = perform
        yield lambda state: nullcontext(LocalExecutor(state, performs, timestamp))


@asynccontextmanager
async def open_engine(settings: EngineSettings, run: str, project_dir: Path) -> AsyncIterator[AsyncEngine]:
    """An engine for one build in `project_dir`, its state under the name `run`.

    Raises `StateUnavailable` where no Redis answers, `RunHeld` where another process works on that run.
    """
    async with _engines(settings, None, None) as engines, engines.engine(run, project_dir) as engine:
        yield engine


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
