"""A small build whose tasks workers of this process do, each side on a URL of Redis of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from agents.build import BuildOutcome
from agents.chat_protocol import ModelSettings
from agents.project import Order
from async_arch.engine import EngineSettings, open_engine
from async_arch.workers.settings import ModelHost, WorkersSettings
from async_arch.workers.task_worker import TaskWorker, WorkerSettings
from harness.gateway.clock import MonotonicClock
from harness.gateway.simulate import Latency, SimulatedUpstream
from harness.gateway.simulated import answer
from tests.gateway.served import served

CODE = "c0de" * 16
TAKEOVER_S = 0.6
PATIENCE_S = 1.0
_SLOTS = 16


@asynccontextmanager
async def model(ttft_s: float = 0.0) -> AsyncIterator[str]:
    """The URL of the gateway of a run, with the simulated model behind it."""
    clock = MonotonicClock()
    upstream = SimulatedUpstream(answer, Latency(ttft_s, 1e6), clock)
    async with served(upstream, clock, slots=_SLOTS) as gateway:
        yield gateway.host()


@asynccontextmanager
async def worker(url: str, queue: str = "default", name: str = "w") -> AsyncIterator[asyncio.Task[None]]:
    """A worker at work on the Redis at `url`; one that is cancelled gives its tasks up."""
    stop = asyncio.Event()
    task = asyncio.create_task(_work(url, queue, name, stop))
    try:
        yield task
    finally:
        stop.set()
        done, _ = await asyncio.wait([task], timeout=0.5)
        if not done:
            task.cancel()
            await asyncio.wait([task], timeout=5)


async def _work(url: str, queue: str, name: str, stop: asyncio.Event) -> None:
    settings = WorkerSettings(
        url, CODE, queue, concurrency=8, takeover_s=TAKEOVER_S, redis_patience_s=PATIENCE_S, name=name
    )
    async with TaskWorker.opened(settings) as opened:
        await opened.work(stop)


async def build(
    url: str,
    model_url: str,
    folder: Path,
    *,
    run: str = "run",
    queue: str = "default",
    hosts: Sequence[ModelHost] = (),
    wait_s: float = 10.0,
) -> BuildOutcome:
    """Build a shop of some modules by workers, with the state on the Redis at `url`."""
    workers = WorkersSettings(queue, CODE, model_url, tuple(hosts), wait_s)
    settings = EngineSettings(
        redis_url=url, redis_patience_s=PATIENCE_S, model=ModelSettings("m"), workers=workers
    )
    async with open_engine(settings, run, folder) as engine:
        return await engine.build(Order("a shop with cart and catalog"))
