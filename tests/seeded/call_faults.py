"""Faults in the native async calls to the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import ollama

from agents.chat_protocol import ModelSettings, chat_messages
from agents.conversation import Message, ModelError, ModelReply, ModelRequest
from agents.roles import Role
from async_arch.async_calls import AsyncCalls
from harness.compare import Layer
from tests.seeded.fault import Blame, Fault, Install, Patch

__all__ = ["CALL_FAULTS"]


def _asked(change: Callable[[ModelRequest], ModelRequest]) -> Install:
    """A fault in what is sent."""

    def install(patch: Patch) -> None:
        usual = AsyncCalls.__call__

        async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
            return await usual(self, change(request))

        patch.setattr(AsyncCalls, "__call__", call)

    return install


def _answered(change: Callable[[ModelRequest, ModelReply], ModelReply]) -> Install:
    """A fault in what is taken for the answer."""

    def install(patch: Patch) -> None:
        usual = AsyncCalls.__call__

        async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
            return change(request, await usual(self, request))

        patch.setattr(AsyncCalls, "__call__", call)

    return install


def _settings(change: Callable[[ModelSettings], ModelSettings]) -> Install:
    """A fault in what calls are made with."""

    def install(patch: Patch) -> None:
        usual = AsyncCalls.__init__

        def init(self: AsyncCalls, settings: ModelSettings, *more: Any) -> None:
            usual(self, change(settings), *more)

        patch.setattr(AsyncCalls, "__init__", init)

    return install


def _line_omitted(request: ModelRequest) -> ModelRequest:
    if request.role is not Role.DEVELOPER or request.module != "Catalog":
        return request
    system, user, *rest = request.messages
    lines = user.content.splitlines()
    return replace(request, messages=(system, Message("user", "\n".join(lines[:2] + lines[3:])), *rest))


def _system_omitted(request: ModelRequest) -> ModelRequest:
    if request.role is not Role.INTEGRATOR:
        return request
    return replace(request, messages=request.messages[1:])


def _context_cut(request: ModelRequest) -> ModelRequest:
    cut = (Message(message.speaker, message.content[:1500]) for message in request.messages)
    return replace(request, messages=tuple(cut))


def _history_cut(request: ModelRequest) -> ModelRequest:
    return replace(request, messages=(request.messages[0], request.messages[-1]))


def _history_in_one(request: ModelRequest) -> ModelRequest:
    """All that was said is put into one message."""
    system, *rest = request.messages
    text = "\n\n".join(message.content for message in rest)
    return replace(request, messages=(system, Message("user", text)))


def _speakers_mixed_up(request: ModelRequest) -> ModelRequest:
    said = (replace(m, speaker="user" if m.speaker == "assistant" else m.speaker) for m in request.messages)
    return replace(request, messages=tuple(said))


def _words_changed(request: ModelRequest) -> ModelRequest:
    said = (replace(m, content=m.content.replace("must ", "should ")) for m in request.messages)
    return replace(request, messages=tuple(said))


def _inner_blanks_collapsed(request: ModelRequest) -> ModelRequest:
    said = (replace(m, content="\n".join(map(str.rstrip, m.content.split("\n")))) for m in request.messages)
    return replace(request, messages=tuple(replace(m, content=m.content.replace("    ", "  ")) for m in said))


def _umlauts_lost(request: ModelRequest) -> ModelRequest:
    said = (replace(m, content=m.content.encode("ascii", "ignore").decode()) for m in request.messages)
    return replace(request, messages=tuple(said))


def _answer_umlauts_lost(request: ModelRequest, reply: ModelReply) -> ModelReply:
    return replace(reply, content=reply.content.encode("ascii", "replace").decode())


def _end_lost(request: ModelRequest, reply: ModelReply) -> ModelReply:
    return replace(reply, content=reply.content[:-60])


def _beginning_doubled(request: ModelRequest, reply: ModelReply) -> ModelReply:
    return replace(reply, content=reply.content[:60] + reply.content)


def _cut_taken_for_whole(patch: Patch) -> None:
    """A stream that ends without `done`, or breaks off, is taken as it is."""
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        if request.role is not Role.OPTIMIZER:
            return await usual(self, request)
        parts: list[str] = []
        async with ollama.AsyncClient() as client:
            with suppress(httpx.HTTPError):
                stream = await client.chat(self._settings.model, chat_messages(request), stream=True)
                async for chunk in stream:
                    parts += [chunk.message.content or ""]
        return ModelReply("".join(parts), self._now())

    patch.setattr(AsyncCalls, "__call__", call)


def _by_role(patch: Patch) -> None:
    """Answers are kept by role and not by module: one module is given another's."""
    usual = AsyncCalls.__call__
    kept: dict[tuple[Role, int], ModelReply] = {}

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        key = (request.role, request.attempt)
        if request.module and request.role is Role.DEVELOPER and key in kept:
            return kept[key]
        kept[key] = await usual(self, request)
        return kept[key]

    patch.setattr(AsyncCalls, "__call__", call)


def _answer_of_before(patch: Patch) -> None:
    """A call is given the answer to the one before: the queue of answers is off by one."""
    usual = AsyncCalls.__call__
    kept: list[ModelReply] = []

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        kept.append(await usual(self, request))
        return kept[-2] if request.role is Role.ARCHITECT and request.module == "Shop" else kept[-1]

    patch.setattr(AsyncCalls, "__call__", call)


def _errors_swallowed(patch: Patch) -> None:
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        try:
            return await usual(self, request)
        except ModelError as error:
            return ModelReply("", error.at)

    patch.setattr(AsyncCalls, "__call__", call)


def _failing(change: Callable[[ModelError], ModelError]) -> Install:
    """A fault in how the error of a call is read."""

    def install(patch: Patch) -> None:
        usual = AsyncCalls.__call__

        async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
            try:
                return await usual(self, request)
            except ModelError as error:
                raise change(error) from error

        patch.setattr(AsyncCalls, "__call__", call)

    return install


def _never_again(error: ModelError) -> ModelError:
    return ModelError(error.reason, status=error.status, at=error.at, passing=False)


def _crash_on_error(patch: Patch) -> None:
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        try:
            return await usual(self, request)
        except ModelError as error:
            raise ollama.ResponseError(error.reason) from error

    patch.setattr(AsyncCalls, "__call__", call)


def _again_by_itself(times: int) -> Install:
    """The call is made again below the agent, which has its own bounded retry."""

    def install(patch: Patch) -> None:
        usual = AsyncCalls.__call__

        async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
            for _ in range(times):
                try:
                    return await usual(self, request)
                except ModelError:
                    await asyncio.sleep(0)
            return await usual(self, request)

        patch.setattr(AsyncCalls, "__call__", call)

    return install


def _no_pause(patch: Patch) -> None:
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        return await usual(self, replace(request, retry=0))

    patch.setattr(AsyncCalls, "__call__", call)


def _warm_up(patch: Patch) -> None:
    usual = AsyncCalls.__call__
    warmed: list[str] = []

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        if not warmed:
            warmed.append("yes")
            async with ollama.AsyncClient() as client:
                await client.chat(self._settings.model, [{"role": "user", "content": "Are you there?"}])
        return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _asked_twice(patch: Patch) -> None:
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        if request.role is Role.ARCHITECT and request.module == "Users":
            await usual(self, request)
        return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _looks_first(patch: Patch) -> None:
    """Before every call the server is asked for its models."""
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        assert self._session is not None
        async with self._session.get(f"{self._host.url}/api/tags") as models:
            await models.read()
        return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _no_tokens(request: ModelRequest, reply: ModelReply) -> ModelReply:
    return replace(reply, prompt_tokens=0, output_tokens=0)


def _given_up_early(patch: Patch) -> None:
    """A long answer is cut by a time-out that is much too short, and asked for again."""
    usual = AsyncCalls.__call__

    async def call(self: AsyncCalls, request: ModelRequest) -> ModelReply:
        if request.role is Role.FRONTEND_DEVELOPER and not request.retry:
            try:
                async with asyncio.timeout(0.005):
                    return await usual(self, request)
            except TimeoutError:
                pass
        return await usual(self, request)

    patch.setattr(AsyncCalls, "__call__", call)


def _call(name: str, layer: Layer, words: str, install: Install, **more: Any) -> Fault:
    return Fault(name, Blame.CALLS, layer, words, install, **more)


_TALK = Layer.CONVERSATION

CALL_FAULTS = (
    _call(
        "a line of a prompt is omitted",
        _TALK,
        "developer of Catalog was asked otherwise",
        _asked(_line_omitted),
    ),
    _call(
        "the system message is omitted",
        _TALK,
        "integrator was asked without message 1 (system)",
        _asked(_system_omitted),
    ),
    _call("the context is cut", _TALK, "was asked otherwise", _asked(_context_cut)),
    _call("earlier messages are left out", _TALK, "architect of Flaky", _asked(_history_cut), spec="flaky"),
    _call(
        "all messages are put into one", _TALK, "architect of Flaky", _asked(_history_in_one), spec="flaky"
    ),
    _call(
        "the model's words are put into the user's mouth",
        _TALK,
        "developer of Users (attempt 2)",
        _asked(_speakers_mixed_up),
    ),
    _call("a word of the instructions is another", _TALK, "was asked otherwise", _asked(_words_changed)),
    _call("indentation is lost in prompts", _TALK, "was asked otherwise", _asked(_inner_blanks_collapsed)),
    _call(
        "letters beyond ASCII are lost in prompts",
        _TALK,
        "analyst was asked otherwise",
        _asked(_umlauts_lost),
    ),
    _call(
        "letters beyond ASCII are lost in answers",
        _TALK,
        "was asked otherwise",
        _answered(_answer_umlauts_lost),
    ),
    _call("options are not passed on", _TALK, "temperature", _settings(lambda s: replace(s, options={}))),
    _call(
        "one option is not passed on",
        _TALK,
        "num_ctx",
        _settings(lambda s: replace(s, options={"temperature": 0})),
    ),
    _call("another model is asked", _TALK, "model", _settings(lambda s: replace(s, model="llama3.2"))),
    _call("the end of an answer is lost", Layer.OUTCOME, "no usable answer", _answered(_end_lost)),
    _call(
        "the beginning of an answer is doubled",
        Layer.OUTCOME,
        "no usable answer",
        _answered(_beginning_doubled),
    ),
    _call("one module is given the answer of another", Layer.OUTCOME, "developer:", _by_role),
    _call("a call is given the answer to the one before", _TALK, "Shop", _answer_of_before),
    _call("an error of the model is swallowed", _TALK, "Flaky", _errors_swallowed, spec="flaky"),
    _call(
        "an error of the model is not tried again",
        _TALK,
        "not asked again",
        _failing(_never_again),
        spec="flaky",
    ),
    _call(
        "an error of the model breaks the task", Layer.OUTCOME, "ResponseError", _crash_on_error, spec="flaky"
    ),
    _call("an error is tried again without end", _TALK, "asked again", _again_by_itself(20), spec="given_up"),
    _call("an error is tried again without a pause", _TALK, "asked again", _no_pause, spec="flaky"),
    _call(
        "a cut answer is taken for a whole one",
        _TALK,
        "optimizer of Flaky was not asked again",
        _cut_taken_for_whole,
        spec="flaky",
    ),
    _call("the model is asked whether it is there", _TALK, "Are you there", _warm_up),
    _call("the model is asked twice", _TALK, "architect of Users was asked twice", _asked_twice),
    _call("the server is asked for its models before every call", _TALK, "other requests", _looks_first),
    _call("the model's count of tokens is lost", Layer.EVENTS, "tokens", _answered(_no_tokens)),
    _call(
        "a call is given up too early, and made again", _TALK, "frontend developer of Shop", _given_up_early
    ),
)
