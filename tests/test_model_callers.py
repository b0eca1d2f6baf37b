"""The conformance suite of callers: legacy's and all three of the async engine read the protocol alike."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import pytest

from agents.chat_protocol import ModelSettings
from agents.conversation import Cause, Message, ModelError, ModelReply, ModelRequest
from agents.roles import Role
from async_arch.blocking_calls import ThreadCalls
from async_arch.composition import AgentCalls
from async_arch.model_calls import open_calls
from legacy.ollama_calls import OllamaCalls
from tests.gateway.scripted_ollama import LAST, Exchange, Script, line
from tests.threaded_ollama import threaded_ollama

REQUEST = ModelRequest(
    Role.DEVELOPER, "Cart", 1, (Message("system", "You write."), Message("user", "Write «cart» 店."))
)

Ask = Callable[[ModelRequest], "asyncio.Future[ModelReply]"]
OpenCaller = Callable[[ModelSettings], AbstractAsyncContextManager[Ask]]


@asynccontextmanager
async def _legacy(settings: ModelSettings) -> AsyncIterator[Ask]:
    with OllamaCalls(settings, lambda: "now") as call:

        async def ask(request: ModelRequest) -> ModelReply:
            return call(request)

        yield ask  # type: ignore[misc]


def _of(kind: AgentCalls) -> OpenCaller:
    return lambda settings: open_calls(kind, settings, lambda: "now")  # type: ignore[return-value]


@pytest.fixture(
    params=[_legacy, *map(_of, AgentCalls)], ids=["legacy", *(f"async_arch-{kind}" for kind in AgentCalls)]
)
def open_caller(request: pytest.FixtureRequest) -> OpenCaller:
    caller: OpenCaller = request.param
    return caller


async def _asked(
    open_caller: OpenCaller, monkeypatch: pytest.MonkeyPatch, script: Script, settings: ModelSettings
) -> tuple[ModelReply, list[Exchange]]:
    with threaded_ollama(script) as model:
        monkeypatch.setenv("OLLAMA_HOST", f"{model.url}/r/some-run")
        async with open_caller(settings) as ask:
            return await ask(REQUEST), model.requests


SETTINGS = ModelSettings("m", {"temperature": 0, "num_ctx": 4096}, call_timeout_s=10)


async def test_a_streamed_answer_is_read_whole_and_the_request_says_everything(
    open_caller: OpenCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(line("def f():\n"))
        await exchange.chunk(line("    return '店'\n") + LAST)
        await exchange.end()

    reply, requests = await _asked(open_caller, monkeypatch, answer, SETTINGS)
    assert reply == ModelReply(
        "def f():\n    return '店'\n", "now", done_reason="stop", prompt_tokens=7, output_tokens=2
    )
    sent = json.loads(requests[0].body)
    assert requests[0].target == "/r/some-run/api/chat"
    assert sent["model"] == "m"
    assert sent["stream"] is True
    assert sent["options"] == {"temperature": 0, "num_ctx": 4096}
    assert [(m["role"], m["content"]) for m in sent["messages"]] == [
        ("system", "You write."),
        ("user", "Write «cart» 店."),
    ]


async def _error(exchange: Exchange) -> None:
    await exchange.whole(500, {"error": "out of memory"})


async def _not_found(exchange: Exchange) -> None:
    await exchange.whole(404, {"error": "model 'm' not found"})


async def _cut_in_order(exchange: Exchange) -> None:
    """The trap: a stream that ends without `done` raises nothing in the client."""
    await exchange.head()
    await exchange.chunk(line("def f("))
    await exchange.end()


async def _cut_hard(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.chunk(line("def f("))


async def _error_in_mid_stream(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.chunk(line("def f(") + b'{"error": "the runner died"}\n')
    await exchange.end()


async def _garbage(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.chunk(b"<html>not JSON</html>\n")
    await exchange.end()


async def _wrong_shape(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.chunk(b'{"message": 5}\n')
    await exchange.end()


async def _nothing_at_all(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.end()


@pytest.mark.parametrize(
    ("script", "cause", "words"),
    [
        (_error, Cause.MODEL, "500: out of memory"),
        (_not_found, Cause.REQUEST, "404: model 'm' not found"),
        (_cut_in_order, Cause.MODEL, "cut"),
        (_cut_hard, Cause.MODEL, "."),
        (_error_in_mid_stream, Cause.MODEL, "the runner died"),
        (_garbage, Cause.MODEL, "."),
        (_wrong_shape, Cause.MODEL, "."),
        (_nothing_at_all, Cause.MODEL, "cut"),
    ],
)
async def test_whatever_is_no_whole_answer_is_a_model_error_in_one_line(
    open_caller: OpenCaller, monkeypatch: pytest.MonkeyPatch, script: Script, cause: Cause, words: str
) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        await _asked(open_caller, monkeypatch, script, SETTINGS)
    assert caught.value.cause is cause
    assert caught.value.at == "now"
    assert "\n" not in caught.value.reason


async def test_a_refused_connection_is_a_model_error(
    open_caller: OpenCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    async with open_caller(SETTINGS) as ask:
        with pytest.raises(ModelError, match="could not be reached") as caught:
            await ask(REQUEST)
    assert caught.value.cause is Cause.MODEL


async def test_a_request_that_is_made_again_waits_first(
    open_caller: OpenCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[int] = []

    def pause_s(retry: int, jitter: float) -> float:
        asked_for.append(retry)
        assert 0 <= jitter < 1
        return 0.2

    monkeypatch.setattr("async_arch.async_calls.backoff_s", pause_s)
    monkeypatch.setattr("async_arch.blocking_calls.backoff_s", pause_s)
    monkeypatch.setattr("legacy.ollama_calls.backoff_s", pause_s)
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
    began_s = time.monotonic()
    async with open_caller(SETTINGS) as ask:
        with pytest.raises(ModelError, match="could not be reached") as caught:
            await ask(replace(REQUEST, retry=2))
    assert time.monotonic() - began_s >= 0.2
    assert asked_for == [2]
    assert caught.value.passing


async def _hang(exchange: Exchange) -> None:
    await exchange.client_gone()


async def _hang_in_mid_stream(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.chunk(line("def f("))
    await exchange.client_gone()


async def _drip(exchange: Exchange) -> None:
    """Never silent for long, and never done: only a limit on the whole call ends it."""
    await exchange.head()
    while True:
        await exchange.chunk(line("x"))
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("script", [_hang, _hang_in_mid_stream, _drip])
async def test_a_model_that_hangs_is_given_up_at_the_limit(
    open_caller: OpenCaller, monkeypatch: pytest.MonkeyPatch, script: Script
) -> None:
    settings = ModelSettings("m", call_timeout_s=0.4)
    with pytest.raises(ModelError, match=r"no whole answer within 0\.4 s") as caught:
        await _asked(open_caller, monkeypatch, script, settings)
    assert caught.value.cause is Cause.MODEL


@pytest.mark.parametrize("kind", [AgentCalls.THREADS, AgentCalls.ASYNC])
async def test_calls_run_beside_each_other_more_than_a_thread_pool_has_workers(
    kind: AgentCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No call is answered before all have come: with 40 at once any hidden pool would be a deadlock."""
    arrived = 0
    everybody = asyncio.Event()

    async def answer(exchange: Exchange) -> None:
        nonlocal arrived
        arrived += 1
        if arrived == 40:
            everybody.set()
        await everybody.wait()
        await exchange.head()
        await exchange.chunk(line("ok") + LAST)
        await exchange.end()

    with threaded_ollama(answer) as model:
        monkeypatch.setenv("OLLAMA_HOST", model.url)
        async with open_calls(kind, SETTINGS, lambda: "now") as calls, asyncio.timeout(10):
            replies = await asyncio.gather(*(calls(REQUEST) for _ in range(40)))
    assert [reply.content for reply in replies] == ["ok"] * 40


async def test_a_cancelled_thread_call_leaves_the_loop_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelling cannot stop the thread; the task that waits for it must not wait on."""
    arrived = threading.Event()

    async def hang(exchange: Exchange) -> None:
        arrived.set()
        await exchange.client_gone()

    with threaded_ollama(hang) as model:
        monkeypatch.setenv("OLLAMA_HOST", model.url)
        async with ThreadCalls(ModelSettings("m", call_timeout_s=2), lambda: "now") as calls:
            call = asyncio.ensure_future(calls(REQUEST))
            assert await asyncio.to_thread(arrived.wait, 5)
            call.cancel()
            async with asyncio.timeout(1):
                with pytest.raises(asyncio.CancelledError):
                    await call


async def _reason(
    open_caller: OpenCaller, monkeypatch: pytest.MonkeyPatch, script: Script | None
) -> tuple[str, int | None, bool]:
    """What a caller says of an answer that is none, or of a server that is not there."""
    try:
        if script is not None:
            await _asked(open_caller, monkeypatch, script, SETTINGS)
        else:
            monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")
            async with open_caller(SETTINGS) as ask:
                await ask(REQUEST)
    except ModelError as error:
        return error.reason, error.status, error.passing
    pytest.fail("that was taken for a whole answer")


async def _closed_at_once(exchange: Exchange) -> None:
    """The connection ends without an answer."""


async def _plain_text(exchange: Exchange) -> None:
    await exchange.whole(502, "Bad «gateway»\n".encode())


async def _error_before_the_cut(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.chunk(b'{"error": "the runner died"}\n' + line("def f("))


async def _odd_count(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.chunk(line("", done=True, eval_count="many"))
    await exchange.end()


async def _empty_line(exchange: Exchange) -> None:
    await exchange.head()
    await exchange.chunk(line("def f(") + b"\n" + LAST)
    await exchange.end()


@pytest.mark.parametrize(
    "script",
    [
        *(_error, _not_found, _cut_in_order, _cut_hard, _error_in_mid_stream, _garbage, _wrong_shape),
        *(
            _nothing_at_all,
            _closed_at_once,
            _plain_text,
            _error_before_the_cut,
            _odd_count,
            _empty_line,
            None,
        ),
    ],
)
async def test_the_async_caller_says_what_legacy_says(
    monkeypatch: pytest.MonkeyPatch, script: Script | None
) -> None:
    """The sentences stand in blackboards, which are compared."""
    said = await _reason(_of(AgentCalls.ASYNC), monkeypatch, script)
    assert said == await _reason(_legacy, monkeypatch, script)


async def test_what_another_server_writes_otherwise_is_read_as_the_client_of_legacy_reads_it(
    open_caller: OpenCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(b'{"message": {"role": "assistant", "content": null}}\r\n' + line("Hi"))
        await exchange.chunk(LAST.replace(b"true", b'"true"').replace(b": 7,", b": 7.0,").rstrip())
        await exchange.end()

    reply, _ = await _asked(open_caller, monkeypatch, answer, SETTINGS)
    assert reply == ModelReply("Hi", "now", done_reason="stop", prompt_tokens=7, output_tokens=2)


_SCHEMA = {"type": "object", "properties": {"gaps": {"type": "array", "items": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("request_", "options"),
    [
        (REQUEST, {"temperature": 0, "num_ctx": 4096, "seed": 7, "top_p": 0.5, "stop": "\n", "x": True}),
        (REQUEST, {}),
        (replace(REQUEST, answer_format=_SCHEMA), {"temperature": 0.0}),
        (
            replace(
                REQUEST, messages=(Message("system", ""), Message("user", 'A "quote" \\ \x07\x7f \u2028 🛒'))
            ),
            {},
        ),
        (replace(REQUEST, messages=()), {}),
    ],
    ids=["options", "plain", "format", "odd text", "no messages"],
)
async def test_the_async_caller_sends_the_bytes_that_the_blocking_client_sends(
    monkeypatch: pytest.MonkeyPatch, request_: ModelRequest, options: dict[str, str | int | float | bool]
) -> None:
    """Cassettes and the comparison go by the request: one that differs would be another request."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(LAST)
        await exchange.end()

    with threaded_ollama(answer) as model:
        monkeypatch.setenv("OLLAMA_HOST", f"{model.url}/r/some-run/")
        for kind in (AgentCalls.BLOCKING, AgentCalls.ASYNC):
            async with open_calls(kind, ModelSettings("m", options), lambda: "now") as calls:
                await calls(request_)
        blocking, unblocked = model.requests
    assert unblocked.body == blocking.body
    assert unblocked.target == blocking.target
    told = ("content-type", "accept", "authorization")
    assert [unblocked.headers.get(name) for name in told] == [blocking.headers.get(name) for name in told]


async def test_a_cancelled_async_call_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model must not go on with an answer that nobody waits for."""
    begun, hung_up = threading.Event(), threading.Event()

    async def answer(exchange: Exchange) -> None:
        await exchange.head(200, "Connection: close")
        await exchange.chunk(line("def f("))
        begun.set()
        await exchange.client_gone()
        hung_up.set()

    with threaded_ollama(answer) as model:
        monkeypatch.setenv("OLLAMA_HOST", model.url)
        async with open_calls(AgentCalls.ASYNC, SETTINGS, lambda: "now") as calls:
            call = asyncio.ensure_future(calls(REQUEST))
            assert await asyncio.to_thread(begun.wait, 5)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert await asyncio.to_thread(hung_up.wait, 5)
