"""Prefect: a flow that awaits its tasks as their needs are done, and its API in a process beside this one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect import flow, task
from prefect.client.orchestration import get_client

from agents.workflow import Task
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer, free_slots

__all__ = ["opened"]

_PROMPT_S = 0.1
_PROMPT_ANSWERS = 5
_QUIET_TIMEOUT_S = 120.0


@task(persist_result=False)
async def _perform(wanted: Task, scale: float) -> Span:
    return await answer(wanted, scale)


async def _quiet() -> None:
    """Wait until the API has stored what the flow before told it, which it does long after that has ended."""
    prompt = 0
    async with asyncio.timeout(_QUIET_TIMEOUT_S), get_client() as client:
        while prompt < _PROMPT_ANSWERS:
            begun_s = time.monotonic()
            # What takes long is not to answer but to write.
            await client.create_flow_from_name("quiet")
            prompt = prompt + 1 if time.monotonic() - begun_s < _PROMPT_S else 0
            await asyncio.sleep(_PROMPT_S)


async def _run(tasks: Tasks, slots: int | None, scale: float) -> Course:
    @flow(persist_result=False, validate_parameters=False)
    async def build() -> list[Span]:
        free = free_slots(slots)
        doing: dict[Task, asyncio.Task[Span]] = {}

        async def do(wanted: Task) -> Span:
            for need in tasks[wanted]:
                await doing[need]
            async with free:
                return await _perform(wanted, scale)

        async with asyncio.TaskGroup() as group:
            for wanted in tasks:
                doing[wanted] = group.create_task(do(wanted))
        return [done.result() for done in doing.values()]

    await _quiet()
    begun_s = time.monotonic()
    spans = await build()
    return Course(time.monotonic() - begun_s, tuple(spans))


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """Prefect, whose API starts with the first flow, on the loopback interface."""
    yield _run
