"""LangGraph, by its functional API: an entrypoint that calls a task as soon as its needs are done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langgraph.func import entrypoint, task

from benchmarks.peers.chains import Chain, Chains, chains, single
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer

__all__ = ["opened", "with_chains"]


@task
async def _perform(chain: Chain, scale: float) -> list[Span]:
    return [await answer(wanted, scale) for wanted in chain]


async def _build(linked: Chains, slots: int | None, scale: float) -> Course:
    @entrypoint()
    async def build(_: str) -> list[Span]:
        doing: dict[Chain, asyncio.Task[list[Span]]] = {}

        async def do(chain: Chain) -> list[Span]:
            for need in linked[chain]:
                await doing[need]
            return await _perform(chain, scale)

        async with asyncio.TaskGroup() as group:
            for chain in linked:
                doing[chain] = group.create_task(do(chain))
        return [span for done in doing.values() for span in done.result()]

    begun_s = time.monotonic()
    spans = await build.ainvoke("go", {"max_concurrency": slots or len(linked)})
    return Course(time.monotonic() - begun_s, tuple(spans))


async def _run(tasks: Tasks, slots: int | None, scale: float) -> Course:
    return await _build(single(tasks), slots, scale)


async def _run_chains(tasks: Tasks, slots: int | None, scale: float) -> Course:
    return await _build(chains(tasks), slots, scale)


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """LangGraph without a checkpointer, which would only slow it down."""
    yield _run


@asynccontextmanager
async def with_chains() -> AsyncIterator[Run]:
    """The same, with a task for a whole chain: architect, developer and reviewer of a module."""
    yield _run_chains
