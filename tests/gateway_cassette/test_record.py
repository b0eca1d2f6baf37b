"""Recording through real gateways: a real client, a gateway that records, and a model behind a socket."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import ollama
import pytest

from harness.gateway.cassette import RecordingUpstream, ReplayUpstream, read_cassette
from harness.gateway.clock import MonotonicClock
from harness.gateway.live import LiveUpstream
from harness.gateway.simulate import Latency, SimulatedUpstream
from harness.gateway.upstream import Upstream
from tests.gateway.scripted_ollama import LAST, Exchange, line, scripted_ollama
from tests.gateway.served import Served, question, served

CLOCK = MonotonicClock()
RUN = "run-2"
MESSAGES = [{"role": "user", "content": "Why?"}]


def _model() -> SimulatedUpstream:
    return SimulatedUpstream(lambda asked: f"Because of {asked.messages[-1].content}", Latency(0, 1e6), CLOCK)


@asynccontextmanager
async def _recording(upstream: Upstream, folder: Path, slots: int = 1) -> AsyncIterator[Served]:
    async with (
        RecordingUpstream.into(folder, upstream, "ollama", CLOCK) as recording,
        served(recording, CLOCK) as gateway,
    ):
        wanted = {"id": RUN, "slots": slots, "cassette": "shop"}
        async with gateway.control("POST", "", wanted) as response:
            assert response.status == 201
        yield gateway


async def test_what_is_recorded_behind_a_socket_is_replayed_alike(tmp_path: Path) -> None:
    async with (
        served(_model(), CLOCK) as model,
        LiveUpstream.connected(model.host(), 5) as live,
        _recording(live, tmp_path) as gateway,
    ):
        client = await gateway.client(RUN)
        parts = [part.message.content async for part in await client.chat("m", MESSAGES, stream=True)]
        whole = await client.chat("m", [{"role": "user", "content": "How?"}], options={"seed": 1})
    cassette = read_cassette(tmp_path / "shop.jsonl")
    assert [(found.stream, found.status, found.run) for _, found in cassette.entries] == [
        (True, 200, RUN),
        (False, 200, RUN),
    ]
    assert cassette.entries[0][1].source == "simulated"
    assert cassette.entries[1][1].request.options == {"seed": 1}
    async with served(ReplayUpstream(tmp_path, 0, CLOCK), CLOCK) as gateway:
        async with gateway.control("POST", "", {"id": RUN, "slots": 1, "cassette": "shop"}):
            pass
        client = await gateway.client(RUN)
        again = [part.message.content async for part in await client.chat("m", MESSAGES, stream=True)]
        other = await client.chat("m", [{"role": "user", "content": "How?"}], options={"seed": 1})
    assert again == parts
    assert other.message.content == whole.message.content


async def test_calls_at_once_are_all_kept(tmp_path: Path) -> None:
    async with _recording(_model(), tmp_path, slots=20) as gateway:
        client = await gateway.client(RUN)
        asked = [f"question {number}" for number in range(60)]
        await asyncio.gather(*(client.chat("m", [{"role": "user", "content": text}]) for text in asked))
    kept = read_cassette(tmp_path / "shop.jsonl").entries
    assert sorted(found.request.messages[0].content for _, found in kept) == sorted(asked)
    assert all(found.answer == f"Because of {found.request.messages[0].content}" for _, found in kept)


async def test_headers_and_secrets_in_them_are_left_out(tmp_path: Path) -> None:
    async with _recording(_model(), tmp_path) as gateway:
        headers = {"Authorization": "Bearer hush-hush"}
        body = {"model": "m", "messages": MESSAGES}
        async with gateway.session.post(f"{gateway.host(RUN)}/api/chat", json=body, headers=headers) as reply:
            await reply.read()
    assert b"hush-hush" not in (tmp_path / "shop.jsonl").read_bytes()


async def test_an_error_of_the_model_is_kept_with_its_status(tmp_path: Path) -> None:
    async with (
        scripted_ollama() as model,
        LiveUpstream.connected(model.url, 5) as live,
        _recording(live, tmp_path) as gateway,
    ):
        model.script = _refuse
        with pytest.raises(ollama.ResponseError, match="not found"):
            await (await gateway.client(RUN)).chat("m", MESSAGES)
    [(_, found)] = read_cassette(tmp_path / "shop.jsonl").entries
    assert found.status == 404


async def _refuse(exchange: Exchange) -> None:
    await exchange.whole(404, {"error": "model 'm' not found"})


async def test_an_answer_that_cannot_be_kept_is_no_answer(tmp_path: Path) -> None:
    """One that is whole is an error instead; of a stream, which has begun, the end is missing."""
    (tmp_path / "file").write_text("")
    async with _recording(_model(), tmp_path / "file") as gateway:
        client = await gateway.client(RUN)
        with pytest.raises(ollama.ResponseError, match="could not be recorded") as refused:
            await client.chat("m", MESSAGES)
        with pytest.raises(httpx.RemoteProtocolError):
            _ = [part async for part in await client.chat("m", MESSAGES, stream=True)]
        await gateway.end(RUN)
        calls = await gateway.calls(RUN)
    assert refused.value.status_code == 500
    for call in calls:
        assert call.error is not None
        assert call.error.startswith("the exchange could not be recorded: ")


async def test_a_caller_has_a_whole_answer_only_when_it_is_kept(tmp_path: Path) -> None:
    """It would hang up before, and its call be recorded as one that it gave up."""
    tape = tmp_path / "shop.jsonl"

    async def script(exchange: Exchange) -> None:
        await exchange.whole(200, line("Because.", done=True))

    async with (
        scripted_ollama() as model,
        LiveUpstream.connected(model.url, 5) as live,
        _recording(live, tmp_path) as gateway,
    ):
        model.script = script
        with tape.open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            asked = asyncio.create_task((await gateway.client(RUN)).chat("m", MESSAGES))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asked), 0.2)
        assert (await asked).message.content == "Because."
        [call] = await gateway.calls(RUN)
    assert (call.status, call.error, call.response) == (200, None, "Because.")
    assert len(read_cassette(tape).entries) == 1


async def test_a_stream_that_its_caller_left_after_the_last_line_is_kept(tmp_path: Path) -> None:
    async def script(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await exchange.whole(404, {})
            return
        await exchange.head()
        await exchange.chunk(line("Because."))
        await exchange.chunk(LAST)
        await exchange.client_gone()

    async with (
        scripted_ollama() as model,
        LiveUpstream.connected(model.url, 5) as live,
        _recording(live, tmp_path) as gateway,
    ):
        model.script = script
        async with gateway.post(question(), RUN) as response:
            assert [await response.content.readline() for _ in range(2)] == [line("Because."), LAST]
            response.close()
        await gateway.end(RUN)
        [call] = await gateway.calls(RUN)
    assert (call.status, call.error) == (200, None)
    [(_, found)] = read_cassette(tmp_path / "shop.jsonl").entries
    assert (found.answer, found.whole, len(found.pieces)) == ("Because.", True, 2)


async def test_the_first_answer_does_not_wait_for_what_is_asked_about_the_model(tmp_path: Path) -> None:
    asked_about = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if exchange.method == "GET":
            asked_about.set()
            await exchange.whole(200, {"version": "0.12.3"})
            return
        await exchange.head()
        await exchange.chunk(line("Because."))
        async with asyncio.timeout(10):
            await asked_about.wait()
        await exchange.chunk(LAST)
        await exchange.end()

    async with (
        scripted_ollama() as model,
        LiveUpstream.connected(model.url, 5) as live,
        _recording(live, tmp_path) as gateway,
    ):
        model.script = script
        async with gateway.post(question(), RUN) as response:
            assert await response.read() == line("Because.") + LAST
    [(_, found)] = read_cassette(tmp_path / "shop.jsonl").entries
    assert found.source == "ollama 0.12.3"


async def test_a_call_that_its_caller_gave_up_is_not_kept(tmp_path: Path) -> None:
    slow = SimulatedUpstream(lambda asked: "word " * 50, Latency(0, 50), CLOCK)
    async with _recording(slow, tmp_path) as gateway:
        client = await gateway.client(RUN)
        async for _ in await client.chat("m", MESSAGES, stream=True):
            break
        await client.close()
        await gateway.end(RUN)
        [call] = await gateway.calls(RUN)
    assert call.error is not None
    assert not (tmp_path / "shop.jsonl").exists()
