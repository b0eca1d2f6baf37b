"""Calls to the model, in the three ways of the migration: blocking, threads, async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from agents.chat_protocol import ModelSettings
from agents.conversation import ModelReply, ModelRequest
from async_arch.composition import AgentCalls

__all__ = ["LimitedCalls", "ModelCaller", "ModelCalls", "open_calls"]


class ModelCaller(Protocol):
    """A way to call the model."""

    async def __call__(self, request: ModelRequest) -> ModelReply:
        """Ask the model and wait for the whole answer; raises `ModelError`."""


class ModelCalls(ModelCaller, Protocol):
    """A way to call the model; an async context manager that owns its client."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_calls(
    kind: AgentCalls, settings: ModelSettings, now: Callable[[], str], *, host: str | None = None
) -> ModelCalls:
    """The calls of `kind` to the model at `host`, or else at `OLLAMA_HOST`.

    `now` gives the ISO timestamps of answers.
    """
    # Each is loaded where it is wanted: what the blocking client brings along takes longer than all else.
    match kind:
        case AgentCalls.BLOCKING:
            from async_arch.blocking_calls import BlockingCalls

            return BlockingCalls(settings, now, host)
        case AgentCalls.THREADS:
            from async_arch.blocking_calls import ThreadCalls

            return ThreadCalls(settings, now, host)
        case AgentCalls.ASYNC:
            from async_arch.async_calls import AsyncCalls

            return AsyncCalls(settings, now, host)


class LimitedCalls:
    """Calls of which no more than `at_once` are under way; the others wait in their order."""

    def __init__(self, calls: ModelCaller, at_once: int) -> None:
        self._calls = calls
        self._places = asyncio.Semaphore(at_once)

    async def __call__(self, request: ModelRequest) -> ModelReply:
        """Ask the model and wait for the whole answer; raises `ModelError`."""
        async with self._places:
            return await self._calls(request)
