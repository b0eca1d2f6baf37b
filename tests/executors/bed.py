"""What a test of executors needs: a Redis, a model, workers in this process, and builds."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import redis.asyncio

from agents.blackboard import ProjectInfo, ProjectStatus
from agents.build import BuildOutcome, EventKind, TaskEvent
from agents.chat_protocol import ModelSettings
from agents.plan import ModuleHint, ModuleType
from agents.project import Order
from async_arch.composition import AgentCalls, Generation
from async_arch.engine import EngineSettings, open_engine
from async_arch.executor import LocalExecutor, TaskExecutor
from async_arch.lease import held_lease
from async_arch.model_calls import open_calls
from async_arch.performer import performer
from async_arch.redis_client import open_redis
from async_arch.state_manager import RedisStateManager
from async_arch.timestamps import timestamp
from async_arch.workers.executors import open_executors
from async_arch.workers.settings import ModelHost, WorkersSettings
from async_arch.workers.task_worker import TaskWorker, WorkerSettings
from tests.executors.team_model import TeamModel

__all__ = ["CODE", "ORDER", "TASKS", "Bed", "Left", "docket_keys", "facts", "left", "working"]

CODE = "c0de" * 16
MODEL = ModelSettings("m", call_timeout_s=30.0)
ORDER = Order(
    "A list of people and what they order.",
    (
        ModuleHint("Users", ModuleType.DATA, "Users with a name"),
        ModuleHint("Orders", ModuleType.SERVICE, "Orders; place and cancel", ("Users",)),
    ),
)
TASKS = 12
"""How many tasks `ORDER` takes: two of planning, four for each module, and two at the end."""
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")
_INFO = ProjectInfo(ORDER.idea, "2026-01-01T00:00:00", ProjectStatus.BUILDING)


@dataclass(frozen=True)
class Bed:
    """An executor of either kind, on the server at `redis_url`; the model stands at `model`."""

    kind: str
    redis_url: str
    model: TeamModel
    patience_s: float = 20.0
    hosts: tuple[ModelHost, ...] = ()

    @property
    def workers(self) -> WorkersSettings | None:
        """The workers of a build; None where tasks are done here."""
        if self.kind == "local":
            return None
        return WorkersSettings("default", CODE, self.model.url, self.hosts)

    @asynccontextmanager
    async def executing(self, run: str) -> AsyncIterator[tuple[RedisStateManager, TaskExecutor]]:
        """The state of a build that has begun, and the executor of its tasks."""
        async with AsyncExitStack() as stack:
            connection = await stack.enter_async_context(open_redis(self.redis_url))
            token = await stack.enter_async_context(held_lease(connection, run))
            state = await stack.enter_async_context(RedisStateManager.on(connection, run, token))
            await state.create(_INFO, TaskEvent(EventKind.BUILD_STARTED, timestamp()))
            if self.workers is None:
                calls = await stack.enter_async_context(
                    open_calls(AgentCalls.ASYNC, MODEL, timestamp, host=self.model.url)
                )
                perform = performer(Generation.LLM, calls, templates=None, at_once=4)
                yield state, LocalExecutor(state, perform, timestamp)
                return
            executors = await stack.enter_async_context(
                open_executors(self.workers, connection, MODEL, Generation.LLM)
            )
            yield state, await stack.enter_async_context(executors(state))

    async def build(self, run: str, folder: Path, *, resume: bool = False, **more: Any) -> BuildOutcome:
        """Build `ORDER`, or go on with it."""
        settings = EngineSettings(
            redis_url=self.redis_url, redis_patience_s=self.patience_s, model=MODEL, workers=self.workers
        )
        async with open_engine(replace(settings, **more), run, folder) as engine:
            return await (engine.resume(ORDER) if resume else engine.build(ORDER))


@dataclass(frozen=True)
class Left:
    """What a build left, timestamps aside."""

    board: str
    files: Mapping[str, str]
    checkpoints: Mapping[str, Any]
    ended: Counter[tuple[str, str, str]]
    """Every event but the starts, with what it says."""
    started: Counter[str]


async def left(redis_url: str, run: str, folder: Path) -> Left:
    """What the build of this run left in Redis and in its folder."""
    files = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    async with RedisStateManager.open(redis_url, run) as state:
        found = await state.checkpoints()
        assert found is not None
        events = [event async for event in state.events()]
    return Left(
        _TIMESTAMP.sub("(time)", files.pop("blackboard.json", "(none)")),
        files,
        dict(found.tasks),
        Counter(
            (event.kind.value, event.task, event.detail)
            for event in events
            if event.kind is not EventKind.TASK_STARTED
        ),
        Counter(event.task for event in events if event.kind is EventKind.TASK_STARTED),
    )


@asynccontextmanager
async def working(redis_url: str, count: int = 1, **settings: Any) -> AsyncIterator[list[TaskWorker]]:
    """So many workers in this process, until the end of the block; what is under way then is given up."""
    async with AsyncExitStack() as stack:
        workers = []
        for number in range(count):
            options = {"code": CODE, "name": f"worker-{number}", "takeover_s": 3.0, **settings}
            worker = await stack.enter_async_context(TaskWorker.opened(WorkerSettings(redis_url, **options)))
            stack.push_async_callback(_ended, asyncio.create_task(worker.work(asyncio.Event())))
            workers.append(worker)
        yield workers


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def facts(worker: TaskWorker) -> Any:
    """What a worker says of itself at this moment."""
    return worker._facts()


async def docket_keys(redis_url: str) -> dict[str, int]:
    """What lies in the queue: entries of streams, and the keys of tasks by kind."""
    async with redis.asyncio.Redis.from_url(redis_url, protocol=2) as client:
        names = [name.decode() async for name in client.scan_iter("agentfactory:queue:*")]
        prefix = f"agentfactory:queue:default:{CODE[:16]}:"
        kinds = Counter(name.removeprefix(prefix).partition(":")[0] for name in names)
        if kinds.pop("stream", 0):
            kinds["entries"] = await client.xlen(f"{prefix}stream")
    return {kind: count for kind, count in kinds.items() if count}
