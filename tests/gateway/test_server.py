from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from itertools import pairwise
from typing import Any

import aiohttp
import ollama
import pytest

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.clock import MonotonicClock
from harness.gateway.live import LiveUpstream
from harness.gateway.simulate import Latency, SimulatedUpstream
from tests.gateway.manual_clock import ManualClock
from tests.gateway.scripted_ollama import LAST, Exchange, ScriptedOllama, line, scripted_ollama
from tests.gateway.served import RUN, Served, question, served

FAST = Latency(ttft_s=0.002, tokens_per_s=2000)


def echo(request: CanonicalRequest) -> str:
    """The answer of the simulated model in these tests."""
    return f"You asked: {request.messages[-1].content}"


@pytest.fixture
async def gateway() -> AsyncIterator[Served]:
    """A gateway before the simulated model, with one slot."""
    clock = MonotonicClock()
    async with served(SimulatedUpstream(echo, FAST, clock), clock) as gateway:
        yield gateway


@pytest.fixture
async def model() -> AsyncIterator[ScriptedOllama]:
    async with scripted_ollama() as model:
        yield model


@pytest.fixture
async def relaying(model: ScriptedOllama) -> AsyncIterator[Served]:
    """A gateway before `model`, with one slot."""
    async with (
        LiveUpstream.connected(model.url, 60) as upstream,
        served(upstream, MonotonicClock()) as gateway,
    ):
        yield gateway


def messages(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


async def ask(gateway: Served, text: str, run: str = RUN) -> str:
    response = await (await gateway.client(run)).chat("m", messages(text))
    return response.message.content or ""


@pytest.mark.parametrize("stream", [True, False])
async def test_the_async_client_gets_its_answer_and_the_call_its_record(
    gateway: Served, stream: bool
) -> None:
    client = await gateway.client()
    if stream:
        parts = [part async for part in await client.chat("m", messages("Why?"), stream=True)]
    else:
        parts = [await client.chat("m", messages("Why?"))]
    assert "".join(part.message.content or "" for part in parts) == "You asked: Why?"
    assert (parts[-1].done, parts[-1].done_reason) == (True, "stop")

    (call,) = await gateway.calls()
    assert (call.run, call.number, call.endpoint, call.model) == (RUN, 1, "/api/chat", "m")
    assert (call.stream, call.status, call.error, call.done_reason) == (stream, 200, None, "stop")
    assert call.response == "You asked: Why?"
    assert call.request.messages[0].content == "Why?"
    assert call.request_hash == call.request.hash
    assert (call.prompt_tokens, call.output_tokens) == (parts[-1].prompt_eval_count, parts[-1].eval_count)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_blocking_client_gets_its_answer(gateway: Served, stream: bool) -> None:
    def chat() -> str:
        with ollama.Client(gateway.host(), trust_env=False) as client:
            if not stream:
                return client.chat("m", messages("Why?")).message.content or ""
            parts = client.chat("m", messages("Why?"), stream=True)
            return "".join(part.message.content or "" for part in parts)

    assert await asyncio.to_thread(chat) == "You asked: Why?"


async def test_a_request_that_does_not_say_so_is_answered_with_a_stream(gateway: Served) -> None:
    async with gateway.post(question("A longer question, for more than one chunk?")) as response:
        lines = [json.loads(entry) for entry in (await response.read()).splitlines()]
    assert response.content_type == "application/x-ndjson"
    assert [entry["done"] for entry in lines[-2:]] == [False, True]


async def test_models_and_version_are_there_for_the_client(gateway: Served) -> None:
    models = await (await gateway.client()).list()
    assert [model.model for model in models.models] == ["simulated:latest"]
    assert (await gateway.end()).other_requests == 1


async def test_a_call_of_an_unknown_run_is_answered_404(gateway: Served) -> None:
    with pytest.raises(ollama.ResponseError, match="unknown run 'nobody'") as refused:
        await ask(gateway, "Why?", run="nobody")
    assert refused.value.status_code == 404


async def test_a_call_after_the_end_of_its_run_is_answered_503(gateway: Served) -> None:
    await gateway.end()
    with pytest.raises(ollama.ResponseError, match="has ended") as refused:
        await ask(gateway, "Why?")
    assert refused.value.status_code == 503
    assert await gateway.calls() == []


async def test_a_malformed_call_is_answered_400_and_counted(gateway: Served) -> None:
    async with gateway.post({"messages": []}) as response:
        assert (response.status, await response.json()) == (400, {"error": "model is required"})
    assert await gateway.calls() == []
    assert (await gateway.end()).malformed == 1


@pytest.mark.parametrize("path", ["/r/run-1/api/nothing", "/api/chat", "/r", "/control/nothing"])
async def test_an_unknown_path_is_answered_in_ollamas_shape(gateway: Served, path: str) -> None:
    async with gateway.control("POST", f"/../..{path}") as response:
        assert response.status == 404
        assert isinstance((await response.json())["error"], str)


async def test_a_body_beyond_all_measure_is_answered_413(gateway: Served) -> None:
    body = BytesIO(bytes(65 * 1024 * 1024))
    async with gateway.session.post(f"{gateway.host()}/api/chat", data=body) as response:
        assert (response.status, set(await response.json())) == (413, {"error"})


async def test_a_large_request_that_is_none_is_answered_400_and_counted(gateway: Served) -> None:
    """Also where it is read beside the loop."""
    async with gateway.post(question("x" * 1_000_000, options=7)) as response:
        assert (response.status, set(await response.json())) == (400, {"error"})
    assert (await gateway.end()).malformed == 1


async def test_times_are_in_order_and_count_from_the_begin(gateway: Served) -> None:
    await ask(gateway, "Before?")
    await gateway.begin()
    await ask(gateway, "After?")
    marks = await gateway.end()
    early, late = await gateway.calls()
    assert early.end_s < 0
    for call in (early, late):
        assert call.granted_s is not None
        assert call.first_byte_s is not None
        assert call.arrival_s <= call.granted_s < call.first_byte_s <= call.end_s
    assert 0 < late.arrival_s < late.end_s <= marks.wall_s


async def test_calls_are_granted_the_slot_one_by_one_in_the_order_of_their_arrival(gateway: Served) -> None:
    await asyncio.gather(*(ask(gateway, f"Question {number}?") for number in range(8)))
    calls = await gateway.calls()
    assert [call.number for call in calls] == list(range(1, 9))
    for before, after in pairwise(calls):
        assert before.arrival_s <= after.arrival_s
        assert after.granted_s is not None
        assert before.end_s <= after.granted_s
    assert all(call.queued_s > 0 for call in calls[1:])


async def test_a_run_does_not_wait_for_the_slots_of_another(model: ScriptedOllama, relaying: Served) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if b"slow" in exchange.body:
            asked.set()
            await answer.wait()
        await exchange.whole(200, line("Because.", done=True))

    model.script = script
    await relaying.open("other")
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(ask(relaying, "slow"))
        await asked.wait()
        assert await ask(relaying, "quick", run="other") == "Because."
        assert not slow.done()
        answer.set()


async def test_a_client_that_goes_away_frees_its_slot_and_the_model(
    model: ScriptedOllama, relaying: Served
) -> None:
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if b"leave" not in exchange.body:
            await exchange.whole(200, line("Because.", done=True))
            return
        await exchange.head()
        await exchange.chunk(line("Let me "))
        await exchange.client_gone()
        gone.set()

    model.script = script
    async with relaying.post(question("I will leave.")) as response:
        assert await response.content.readline() == line("Let me ")
        response.close()
    async with asyncio.timeout(10):
        await gone.wait()
        assert await ask(relaying, "Who is next?") == "Because."
    left, following = await relaying.calls()
    assert (left.status, left.error, left.response) == (499, "the client went away", "Let me ")
    assert (following.status, following.error) == (200, None)


async def test_a_client_that_goes_away_after_the_last_line_has_its_answer(
    model: ScriptedOllama, relaying: Served
) -> None:
    """It need not wait for the connection to say so too."""
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(line("Because."))
        await exchange.chunk(LAST)
        await exchange.client_gone()
        gone.set()

    model.script = script
    async with relaying.post(question()) as response:
        assert [await response.content.readline() for _ in range(2)] == [line("Because."), LAST]
        response.close()
    async with asyncio.timeout(10):
        await gone.wait()
    await relaying.end()
    (call,) = await relaying.calls()
    assert (call.status, call.error, call.response, call.done_reason) == (200, None, "Because.", "stop")


async def test_a_client_that_goes_away_while_it_queues_gives_up_its_place(
    model: ScriptedOllama, relaying: Served
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        asked.set()
        await answer.wait()
        await exchange.whole(200, line("Because.", done=True))

    model.script = script
    first = asyncio.create_task(ask(relaying, "first"))
    await asked.wait()
    second = asyncio.create_task(ask(relaying, "second"))
    await relaying.queued(1)
    third = asyncio.create_task(ask(relaying, "third"))
    await relaying.queued(2)
    second.cancel()
    await relaying.queued(1)
    progress = await relaying.progress()
    assert (progress.arrived, progress.generating, progress.finished, progress.failed) == (3, 1, 1, 1)
    answer.set()
    assert [await first, await third] == ["Because.", "Because."]
    assert [(call.status, call.granted_s is None) for call in await relaying.calls()] == [
        (200, False),
        (499, True),
        (200, False),
    ]
    assert len(model.requests) == 2


async def test_the_end_of_a_run_gives_up_its_calls(model: ScriptedOllama, relaying: Served) -> None:
    """What has not begun is answered 503; what has is cut, so that nobody takes it for whole."""
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(line("Let me "))
        await exchange.client_gone()
        gone.set()

    model.script = script
    await relaying.begin()
    async with relaying.post(question("first")) as begun:
        assert await begun.content.readline() == line("Let me ")
        waiting = asyncio.create_task(ask(relaying, "second"))
        await relaying.queued(1)
        marks = await relaying.end()
        with pytest.raises(aiohttp.ClientPayloadError):
            await begun.read()
    with pytest.raises(ollama.ResponseError, match="has ended") as refused:
        await waiting
    assert refused.value.status_code == 503
    async with asyncio.timeout(10):
        await gone.wait()
    first, second = await relaying.calls()
    assert (first.status, first.response) == (200, "Let me ")
    assert (second.status, second.granted_s) == (503, None)
    assert first.end_s == second.end_s == marks.wall_s
    assert first.error == second.error == "run 'run-1' has ended"


async def test_a_fault_of_the_gateway_itself_is_on_the_record(caplog: pytest.LogCaptureFixture) -> None:
    """It must not pass for an answer, nor hold the slot."""

    def fail(request: CanonicalRequest) -> str:
        raise ZeroDivisionError

    clock = ManualClock()
    async with served(SimulatedUpstream(fail, FAST, clock), clock) as gateway:
        for _ in range(2):
            async with gateway.post(question()) as response:
                assert response.status == 500
        calls = await gateway.calls()
    assert [(call.status, call.error) for call in calls] == [
        (500, "fault of the gateway: ZeroDivisionError()")
    ] * 2
    assert "ZeroDivisionError" in caplog.text


async def test_lanes_are_on_the_record(gateway: Served) -> None:
    body: dict[str, Any] = question("## Module\nname: stock")
    body["messages"].insert(0, {"role": "system", "content": "You are the reviewer of AgentFactory."})
    body["messages"] += [{"role": "assistant", "content": "?"}, {"role": "user", "content": "Again."}]
    async with gateway.post(body) as response:
        await response.read()
    (call,) = await gateway.calls()
    assert (call.role, call.module, call.attempt) == ("reviewer", "stock", 2)
