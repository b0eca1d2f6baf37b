"""Faults in what the native async calls put on the wire, and in which calls they make."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import async_arch.async_calls
from agents.chat_protocol import ModelSettings
from agents.conversation import ModelReply, ModelRequest
from async_arch.async_calls import AsyncCalls
from harness.compare import Layer
from tests.seeded.fault import Blame, Fault, Install, Patch

__all__ = ["PROTOCOL_FAULTS"]

_Body = dict[str, Any]


def _body(change: Callable[[_Body], _Body]) -> Install:
    """A fault in the body of a request."""

    def install(patch: Patch) -> None:
        usual = async_arch.async_calls.chat_body

        def made(request: ModelRequest, settings: ModelSettings) -> bytes:
            return json.dumps(change(json.loads(usual(request, settings))), ensure_ascii=False).encode()

        patch.setattr(async_arch.async_calls, "chat_body", made)

    return install


def _options_as_text(body: _Body) -> _Body:
    return {**body, "options": {name: str(value) for name, value in body.get("options", {}).items()}}


def _system_last(body: _Body) -> _Body:
    first, *rest = body["messages"]
    return {**body, "messages": [*rest, first]}


def _cached_by_beginning(patch: Patch) -> None:
    usual = AsyncCalls.__call__
    known: dict[str, ModelReply] = {}

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        begin = request.messages[-1].content[:300]
        if begin not in known:
            known[begin] = await usual(self, request)
        return known[begin]

    patch.setattr(AsyncCalls, "__call__", call)


def _hedged(patch: Patch) -> None:
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        calls = {asyncio.ensure_future(usual(self, request))}
        done, _ = await asyncio.wait(calls, timeout=0.3)
        if not done:
            calls.add(asyncio.ensure_future(usual(self, request)))
            done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        for late in calls - done:
            late.cancel()
        return done.pop().result()

    patch.setattr(AsyncCalls, "__call__", call)


def _call(name: str, words: str, install: Install, **more: Any) -> Fault:
    return Fault(name, Blame.CALLS, Layer.CONVERSATION, words, install, **more)


PROTOCOL_FAULTS = (
    _call("answers are not streamed", "was not streamed", _body(lambda body: {**body, "stream": False})),
    _call("options are passed on as text", '"temperature": "0"', _body(_options_as_text)),
    _call("the system message comes last", "its role is user instead of system", _body(_system_last)),
    _call("answers are kept by the beginning of the prompt", "the developer of Users", _cached_by_beginning),
    _call(
        "a slow call is made twice, and the first answer taken",
        "Tortoise was asked twice",
        _hedged,
        spec="uneven",
    ),
)
