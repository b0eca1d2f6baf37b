"""taskiq on Redis: tasks go through a queue to a worker, and who waits for one asks Redis if it is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from taskiq.api import run_receiver_task
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend

from agents.roles import Role
from agents.workflow import Task
from async_arch.embedded_redis import embedded_redis
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer

__all__ = ["fast", "opened"]

_DEFAULT_POLL_S = 0.2
_QUESTION_S = 0.002
"""Five times what it takes to ask Redis about one task: who asks more often keeps the worker from working."""


def _run_with(poll_s: Callable[[int], float], url: str) -> Run:
    async def run(tasks: Tasks, slots: int | None, scale: float) -> Course:
        broker = ListQueueBroker(url).with_result_backend(RedisAsyncResultBackend(url, result_ex_time=60))

        @broker.task
        async def perform(role: str, module: str | None, scale: float) -> tuple[float, float]:
            span = await answer(Task(Role(role), module), scale)
            return span.begun_s, span.ended_s

        doing: dict[Task, asyncio.Task[Span]] = {}
        asking = 0

        async def do(task: Task) -> Span:
            nonlocal asking
            for need in tasks[task]:
                await doing[need]
            asking += 1
            kicked = await perform.kiq(task.role.value, task.module, scale)
            result = await kicked.wait_result(check_interval=poll_s(asking))
            asking -= 1
            begun_s, ended_s = result.return_value
            return Span(task, begun_s, ended_s)

        await broker.startup()
        worker = asyncio.create_task(run_receiver_task(broker, max_async_tasks=slots or len(tasks)))
        try:
            begun_s = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for task in tasks:
                    doing[task] = group.create_task(do(task))
            return Course(time.monotonic() - begun_s, tuple(done.result() for done in doing.values()))
        finally:
            worker.cancel()
            with suppress(asyncio.CancelledError):
                await worker
            await broker.shutdown()

    return run


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """taskiq with a Redis of its own, asking as often as it does by default: every 0.2 s."""
    async with embedded_redis() as redis:
        yield _run_with(lambda _: _DEFAULT_POLL_S, redis.url)


@asynccontextmanager
async def fast() -> AsyncIterator[Run]:
    """taskiq with a Redis of its own, asking as often as helps it: less often for many tasks."""
    async with embedded_redis() as redis:
        yield _run_with(lambda asking: min(asking * _QUESTION_S, _DEFAULT_POLL_S), redis.url)
