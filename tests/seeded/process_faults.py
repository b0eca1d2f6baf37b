"""Faults that show in what an engine's process uses, keeps open, or never comes to an end of."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import async_arch.orchestrator
from agents.conversation import ModelReply, ModelRequest
from agents.roles import Role
from async_arch.async_calls import AsyncCalls
from harness.compare import Layer
from tests.seeded.fault import Blame, Fault, Patch

__all__ = ["PROCESS_FAULTS"]


def _busy_loop(patch: Patch) -> None:
    """While a call is under way, the loop looks for its end all the time."""
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        if request.role is not Role.REVIEWER:
            return await usual(self, request)
        task = asyncio.ensure_future(usual(self, request))
        # As long as a model would take, in processor time: on a busy machine others have the rest.
        enough_s = time.process_time() + 0.3
        while not task.done() or time.process_time() < enough_s:  # noqa: ASYNC110 (the fault)
            await asyncio.sleep(0)
        return task.result()

    patch.setattr(AsyncCalls, "__call__", call)


def _connection_left_open(patch: Patch) -> None:
    """A connection for every call, made ahead, and none of them used or closed."""
    usual = AsyncCalls.__call__
    kept: list[Any] = []

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        kept.append(await asyncio.open_connection(self._host.host, self._host.port))
        return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _socket_left_open(patch: Patch) -> None:
    """A socket to wake somebody with, made for every task and forgotten."""
    usual = AsyncCalls.__call__
    kept: list[socket.socket] = []

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        kept.extend(socket.socketpair())
        return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _polls(patch: Patch) -> None:
    """Whether a call has ended is looked at twice a second."""
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        reply = await usual(self, request)
        if request.module == "Users":
            await asyncio.sleep(0.5)
        return reply

    patch.setattr(AsyncCalls, "__call__", call)


def _hangs(patch: Patch) -> None:
    """The sign that a task is done is lost, and whoever waits for it does so for ever."""
    usual = async_arch.orchestrator.run_concurrently

    async def run_concurrently(tasks: Any, work: Any, **more: Any) -> None:
        async def lost(task: Any) -> bool:
            done: bool = await work(task)
            if task.role is Role.INTEGRATOR:
                await asyncio.Event().wait()
            return done

        await usual(tasks, lost, **more)

    patch.setattr(async_arch.orchestrator, "run_concurrently", run_concurrently)


def _dies(patch: Patch) -> None:
    """The process is gone in the middle of a task."""
    usual = async_arch.orchestrator.run_concurrently

    async def run_concurrently(tasks: Any, work: Any, **more: Any) -> None:
        async def deadly(task: Any) -> bool:
            if task.role is Role.INTEGRATOR:
                raise SystemExit(7)
            done: bool = await work(task)
            return done

        await usual(tasks, deadly, **more)

    patch.setattr(async_arch.orchestrator, "run_concurrently", run_concurrently)


def _process(name: str, blame: Blame, layer: Layer, words: str, install: Any, spec: str = "broken") -> Fault:
    return Fault(name, blame, layer, words, install, spec=spec, in_worker=True)


PROCESS_FAULTS = (
    _process(
        "calls are waited for in a busy loop", Blame.CALLS, Layer.TIMING, "busy loop", _busy_loop, "shop"
    ),
    _process(
        "the connection of every call is left open",
        Blame.CALLS,
        Layer.TIMING,
        "open when",
        _connection_left_open,
        "shop",
    ),
    _process(
        "a socket for every call is left open",
        Blame.CALLS,
        Layer.TIMING,
        "open when",
        _socket_left_open,
        "shop",
    ),
    _process(
        "the end of a call is looked for twice a second",
        Blame.CALLS,
        Layer.TIMING,
        "nothing was under way",
        _polls,
        "shop",
    ),
    _process("the build hangs", Blame.ORDER, Layer.OUTCOME, "not finished within", _hangs, "shop"),
    _process("the process dies", Blame.ORDER, Layer.OUTCOME, "exit status", _dies, "shop"),
)
