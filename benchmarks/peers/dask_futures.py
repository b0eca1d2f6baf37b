"""Dask distributed: a whole graph handed to a scheduler and one worker, both in this process.

Coroutines run in the worker's event loop, and its threads are only counted: they are its slots.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dask
from distributed import Client, LocalCluster

from agents.workflow import Task
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer

__all__ = ["opened"]

_HTTP = "127.0.0.1:0"
"""Where it tells of its health; told of no address, it listens on all. Its dashboards are not installed."""


async def _perform(task: Task, scale: float, *needs: Span) -> Span:
    return await answer(task, scale)


async def _run(tasks: Tasks, slots: int | None, scale: float) -> Course:
    async with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=slots or len(tasks),
            processes=False,
            dashboard_address=_HTTP,
            worker_dashboard_address=_HTTP,
            protocol="inproc://",
            memory_limit=0,
            asynchronous=True,
        ) as cluster,
        Client(cluster, asynchronous=True) as client,
    ):
        begun_s = time.monotonic()
        graph = {
            str(task): (_perform, task, scale, *(str(need) for need in needs))
            for task, needs in tasks.items()
        }
        spans = await client.gather(client.get(graph, [str(task) for task in tasks], sync=False))
        return Course(time.monotonic() - begun_s, tuple(spans))


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """Dask with a new cluster for every run, as its number of slots is fixed; starting it is not timed."""
    with dask.config.set({"distributed.admin.tick.interval": "1s"}):
        yield _run
