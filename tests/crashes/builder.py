"""A process that builds, and that can be told to kill itself at the boundary of a task."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.chat_protocol import ModelSettings
from agents.plan import ModuleHint, ModuleType
from agents.project import Order
from async_arch.engine import EngineSettings, open_engine
from async_arch.redis_client import DEFAULT_PATIENCE_S
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateUnavailable
from async_arch.workspace import Workspace

__all__ = ["ORDER", "TASKS", "Assignment", "build"]

ORDER = Order(
    "A shop with pages.",
    (
        ModuleHint("Users", ModuleType.DATA, "Users with a name"),
        ModuleHint("Catalog", ModuleType.DATA, "Products with a name and a price"),
        ModuleHint("Orders", ModuleType.SERVICE, "Orders; place and cancel", ("Users", "Catalog")),
        ModuleHint("Shop", ModuleType.WEB_INTERFACE, "Pages of the shop", ("Orders",)),
    ),
)
TASKS = 21
"""How many tasks `ORDER` takes: planning and end two each, four a module, one more for the page."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One sitting at a build. `die_at` is `report:N` (before the Nth task's report is sent), `reported:N`
    (when it is written, before the task's files are) or `filed:N` (when those are)."""

    redis_url: str
    ollama_host: str
    run: str
    project_dir: Path
    resume: bool = False
    die_at: str = ""
    redis_patience_s: float = DEFAULT_PATIENCE_S


def build(assignment: Assignment) -> None:
    """Build or resume; the exit code is 0 when the build is complete."""
    os.environ["OLLAMA_HOST"] = assignment.ollama_host
    moment, _, number = assignment.die_at.partition(":")
    if moment == "report":
        _die_around(RedisStateManager, "report", int(number), after=False)
    elif moment == "reported":
        _die_around(RedisStateManager, "report", int(number), after=True)
    elif moment == "filed":
        _die_around(Workspace, "write", int(number), after=True)
    raise SystemExit(asyncio.run(_build(assignment)))


async def _build(assignment: Assignment) -> int:
    settings = EngineSettings(
        redis_url=assignment.redis_url,
        redis_patience_s=assignment.redis_patience_s,
        model=ModelSettings(call_timeout_s=30.0),
    )
    try:
        async with open_engine(settings, assignment.run, assignment.project_dir) as engine:
            outcome = await (engine.resume(ORDER) if assignment.resume else engine.build(ORDER))
    except StateUnavailable as error:
        # Where the server is away before anything has begun, nothing is waited for.
        print(error, flush=True)  # noqa: T201
        return 3
    for failure in outcome.failures:
        print(failure, flush=True)  # noqa: T201  what a failing test shows
    return 3 if outcome.failures else 0


def _die_around(owner: Any, name: str, number: int, *, after: bool) -> None:
    original: Callable[..., Awaitable[None]] = getattr(owner, name)
    count = 0

    async def dying(*args: Any, **options: Any) -> None:
        nonlocal count
        count += 1
        mine = count
        if mine == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        await original(*args, **options)
        if mine == number:
            if isinstance(args[0], RedisStateManager):
                await args[0].settled()
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)
