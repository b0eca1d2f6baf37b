"""The composition root of the async engine: puts one together from its settings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from agents.build import BuildOutcome, TaskEvent
from agents.chat_protocol import ModelSettings
from agents.project import Order
from async_arch.composition import AgentCalls, Orchestration, StateStoreKind
from async_arch.json_state import JsonStateStore
from async_arch.lease import held_lease
from async_arch.mirror_state import MirrorStateStore, catch_up_s
from async_arch.model_calls import open_calls
from async_arch.orchestrator import AsyncOrchestrator
from async_arch.redis_client import DEFAULT_PATIENCE_S, open_redis
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateStore
from async_arch.workspace import Workspace

__all__ = ["AsyncEngine", "EngineSettings", "open_engine", "open_redis_state", "timestamp"]


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
    model: ModelSettings = field(default_factory=ModelSettings)


class AsyncEngine:
    """An engine that is ready to build one project in its workspace, and the state it keeps."""

    def __init__(
        self,
        orchestrator: AsyncOrchestrator,
        state: StateStore,
        workspace: Workspace,
        *,
        patience_s: float = DEFAULT_PATIENCE_S,
    ) -> None:
        self._orchestrator = orchestrator
        self._state = state
        self._workspace = workspace
        self._patience_s = patience_s

    async def build(self, order: Order) -> BuildOutcome:
        """Build what `order` asks for and leave the blackboard as `blackboard.json` beside the files."""
        return await self._build(order, resume=False)

    async def resume(self, order: Order) -> BuildOutcome:
        """Go on with a build of `order` that was broken off, or begin it where nothing had been begun.

        Tasks that ended are not done again.
        """
        return await self._build(order, resume=True)

    async def _build(self, order: Order, *, resume: bool) -> BuildOutcome:
        outcome = await self._orchestrator.build(order, resume=resume)
        if not outcome.lost_state:
            board = json.dumps(await self._state.snapshot(), indent=2, ensure_ascii=False)
            await self._workspace.write({"blackboard.json": board + "\n"})
        if isinstance(self._state, MirrorStateStore):
            mirror = await self._state.mirrored(catch_up_s(self._patience_s))
            outcome = replace(outcome, mirror=mirror)
        return outcome

    def events(self) -> AsyncIterator[TaskEvent]:
        """The events of the build from the first on, as they come, until it is finished."""
        return self._state.events()


@asynccontextmanager
async def open_engine(settings: EngineSettings, run: str, project_dir: Path) -> AsyncIterator[AsyncEngine]:
    """An engine for one build in `project_dir`, its state under the name `run`.

    Raises `StateUnavailable` where no Redis answers, `RunHeld` where another process works on that run.
    """
    workspace = Workspace(project_dir)
    async with (
        _open_state(settings, run, project_dir) as state,
        open_calls(settings.agent_calls, settings.model, timestamp) as calls,
    ):
        orchestrator = AsyncOrchestrator(
            state=state,
            calls=calls,
            workspace=workspace,
            orchestration=settings.orchestration,
            concurrency=settings.concurrency,
            now=timestamp,
        )
        yield AsyncEngine(orchestrator, state, workspace, patience_s=settings.redis_patience_s)


def timestamp() -> str:
    """The local time as an ISO timestamp with milliseconds and offset."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")


@asynccontextmanager
async def open_redis_state(url: str, run: str, patience_s: float) -> AsyncIterator[RedisStateManager]:
    """The state of `run` on the server at `url`, for this process alone; raises as `open_engine` does."""
    async with (
        open_redis(url, patience_s=patience_s) as connection,
        held_lease(connection, run) as token,
        RedisStateManager.on(connection, run, token) as state,
    ):
        yield state


@asynccontextmanager
async def _open_state(settings: EngineSettings, run: str, project_dir: Path) -> AsyncIterator[StateStore]:
    board_file = project_dir / "blackboard.json"
    match settings.state_store:
        case StateStoreKind.JSON:
            yield JsonStateStore(board_file)
        case StateStoreKind.MIRROR:
            async with MirrorStateStore.open(board_file, settings.redis_url, run) as mirrored:
                yield mirrored
        case StateStoreKind.REDIS:
            async with open_redis_state(settings.redis_url, run, settings.redis_patience_s) as state:
                yield state
