"""What the real client sees of every fault, through a real gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import ollama
import pytest

from harness.gateway.clock import MonotonicClock
from harness.gateway.faults import FaultyUpstream, parse_fault
from harness.gateway.simulate import Latency, SimulatedUpstream
from tests.gateway.served import Served, served

TEXT = "one two three four five. " * 8
LATENCY = Latency(ttft_s=0.01, tokens_per_s=2000)


@asynccontextmanager
async def faulty(*rules: str) -> AsyncIterator[Served]:
    """A gateway before the simulated model with faults."""
    clock = MonotonicClock()
    model = SimulatedUpstream(lambda request: TEXT, LATENCY, clock)
    upstream = FaultyUpstream(model, [parse_fault(rule) for rule in rules], clock)
    async with served(upstream, clock) as gateway:
        yield gateway


async def ask(gateway: Served, *, stream: bool) -> list[ollama.ChatResponse]:
    """The parts of the answer to one question."""
    client = await gateway.client()
    messages = [{"role": "user", "content": "Why?"}]
    if not stream:
        return [await client.chat("m", messages)]
    return [part async for part in await client.chat("m", messages, stream=True)]


def text_of(parts: list[ollama.ChatResponse]) -> str:
    return "".join(part.message.content or "" for part in parts)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("rule", "status", "said"),
    [("500", 500, "injected fault: 500"), ("503", 503, "maximum pending requests exceeded")],
)
async def test_the_client_raises_an_error_of_the_status(
    rule: str, status: int, said: str, stream: bool
) -> None:
    async with faulty(f"times=1:{rule}") as gateway:
        with pytest.raises(ollama.ResponseError) as refused:
            await ask(gateway, stream=stream)
        assert refused.value.status_code == status
        assert said.replace("500", "times=1:500") in refused.value.error
        assert text_of(await ask(gateway, stream=stream)) == TEXT
        spoilt, sound = await gateway.calls()
    assert (spoilt.status, spoilt.fault) == (status, f"times=1:{rule}")
    assert said.partition(":")[0] in (spoilt.error or "")
    assert (sound.status, sound.fault, sound.error) == (200, None, None)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_client_loses_the_connection_of_an_answer_that_is_cut(stream: bool) -> None:
    async with faulty("cut") as gateway:
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            await ask(gateway, stream=stream)
        (call,) = await gateway.calls()
    assert (call.status, call.fault) == (200, "cut")
    assert call.error == "stream ended without done: injected fault: cut"
    assert bool(call.response) is stream
    assert TEXT.startswith(call.response)
    assert call.done_reason is None


@pytest.mark.parametrize("stream", [True, False])
async def test_the_client_cannot_read_garbage(stream: bool) -> None:
    async with faulty("garbage") as gateway:
        with pytest.raises(json.JSONDecodeError):
            await ask(gateway, stream=stream)
        (call,) = await gateway.calls()
    assert (call.status, call.fault) == (200, "garbage")
    assert call.error == "the answer holds what is not a JSON object"


@pytest.mark.parametrize("stream", [True, False])
async def test_the_client_takes_an_empty_answer_for_a_whole_one(stream: bool) -> None:
    async with faulty("empty") as gateway:
        (part,) = await ask(gateway, stream=stream)
        (call,) = await gateway.calls()
    assert (part.message.content, part.done, part.done_reason) == ("", True, "stop")
    assert (call.status, call.fault, call.error, call.response) == (200, "empty", None, "")


@pytest.mark.parametrize("stream", [True, False])
async def test_the_client_waits_longer_for_a_slow_answer(stream: bool) -> None:
    async with faulty("slow:10x") as gateway:
        assert text_of(await ask(gateway, stream=stream)) == TEXT
        (call,) = await gateway.calls()
    assert (call.status, call.fault, call.error) == (200, "slow:10x", None)
    assert call.granted_s is not None
    assert call.end_s - call.granted_s >= 10 * LATENCY.total_s(48)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_call_that_hangs_ends_with_its_caller(stream: bool) -> None:
    async with faulty("times=1:hang") as gateway:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask(gateway, stream=stream)
        # The one slot is free again.
        assert text_of(await ask(gateway, stream=stream)) == TEXT
        spoilt, _ = await gateway.calls()
    assert (spoilt.status, spoilt.fault, spoilt.first_byte_s) == (499, "times=1:hang", None)


async def test_a_call_that_hangs_ends_with_its_run() -> None:
    async with faulty("hang") as gateway:
        hanging = asyncio.create_task(ask(gateway, stream=True))
        async with asyncio.timeout(10):
            while (await gateway.progress()).generating != 1:  # noqa: ASYNC110 - a gateway tells when asked
                await asyncio.sleep(0.001)
        async with asyncio.timeout(20):
            await gateway.end()
            with pytest.raises(ollama.ResponseError, match="has ended") as refused:
                await hanging
        (call,) = await gateway.calls()
    assert refused.value.status_code == 503
    assert (call.status, call.fault) == (503, "hang")
