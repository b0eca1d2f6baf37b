"""The simulated model of all peers: it sleeps for as long as the workload says."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager, nullcontext

from agents.workflow import Task
from benchmarks.peers.alarm import sleep_until
from benchmarks.peers.course import Span
from benchmarks.workload import duration_s

__all__ = ["answer", "free_slots"]


async def answer(task: Task, scale: float) -> Span:
    """Sleep as long as `task` takes, and no less."""
    begun_s = time.monotonic()
    ends_s = begun_s + duration_s(task, scale)
    if ends_s > begun_s:
        await sleep_until(ends_s)
    else:
        await asyncio.sleep(0)
    return Span(task, begun_s, time.monotonic())


def free_slots(slots: int | None) -> AbstractAsyncContextManager[object]:
    """What a call waits in until a slot is free; the first to come is the first to go on."""
    return asyncio.Semaphore(slots) if slots else nullcontext()
