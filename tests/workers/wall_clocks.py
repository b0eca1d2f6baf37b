"""Machines whose clocks differ, in one process: each task, and what it starts, has a clock of its own.

wall_clocks.differ(monkeypatch)
with wall_clocks.ahead(600):
    task = asyncio.create_task(...)   # it reads the clock of a machine that is ten minutes ahead
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import datetime, tzinfo
from typing import Any

import docket.execution
import docket.worker
import pytest
from docket.dependencies import _concurrency

from async_arch.workers.task_worker import TaskWorker
from tests.executors.bed import working

__all__ = ["ahead", "differ", "working_ahead"]

_AHEAD_S: ContextVar[float] = ContextVar("_AHEAD_S", default=0.0)
_time, _time_ns = time.time, time.time_ns


class _OwnTime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.fromtimestamp(_own(), tz)


def _own() -> float:
    return _time() + _AHEAD_S.get()


def differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ours and docket's code read the clock of whoever runs it, until the end of the test."""
    monkeypatch.setattr(time, "time", _own)
    monkeypatch.setattr(time, "time_ns", lambda: _time_ns() + int(_AHEAD_S.get() * 1e9))
    for module in (_concurrency, docket.execution, docket.worker):
        monkeypatch.setattr(module, "datetime", _OwnTime)


@contextmanager
def ahead(seconds: float) -> Iterator[None]:
    """The clock of what is started in this block is so many seconds ahead."""
    token = _AHEAD_S.set(seconds)
    try:
        yield
    finally:
        _AHEAD_S.reset(token)


@asynccontextmanager
async def working_ahead(redis_url: str, seconds: float, **settings: Any) -> AsyncIterator[TaskWorker]:
    """A worker on a machine whose clock is so many seconds ahead."""
    async with AsyncExitStack() as stack:
        with ahead(seconds):
            (worker,) = await stack.enter_async_context(working(redis_url, **settings))
        yield worker
