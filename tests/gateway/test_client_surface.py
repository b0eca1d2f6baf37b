"""All that the real client can ask for, through the gateway and past it: nothing may tell the two apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import ollama
import pytest

from harness.gateway.cassette import RecordingUpstream, ReplayUpstream
from harness.gateway.clock import MonotonicClock
from harness.gateway.live import LiveUpstream
from harness.gateway.run import Runs
from harness.gateway.server import serving_alone
from harness.gateway.simulate import Latency, SimulatedUpstream
from harness.gateway.simulated import answer
from harness.gateway.upstream import Upstream
from tests.gateway.answering_ollama import answering, answering_ollama
from tests.gateway.client_asks import (
    EMBEDDED,
    LISTS,
    MODEL_ASKS,
    OTHERS,
    STREAMABLE,
    TLS,
    Ask,
    ClientKind,
    Refused,
    asked,
    chat,
    each,
    each_client,
    timeless,
)
from tests.gateway.scripted_ollama import Exchange, ScriptedOllama
from tests.gateway.served import Served, served

CLOCK = MonotonicClock()
MODES = ("live", "record")


@pytest.fixture
async def model() -> AsyncIterator[ScriptedOllama]:
    async with answering_ollama() as model:
        yield model


@asynccontextmanager
async def before(upstream: Upstream) -> AsyncIterator[Served]:
    """A gateway with the runs `a` and `b`, both of which record or replay the cassette `tape`."""
    async with served(upstream, CLOCK) as gateway:
        await gateway.open("a", cassette="tape")
        await gateway.open("b", cassette="tape")
        yield gateway


@asynccontextmanager
async def passing_on(model: ScriptedOllama, mode: str, folder: Path) -> AsyncIterator[Served]:
    """A gateway before `model`."""
    async with LiveUpstream.connected(model.url, 10) as live:
        if mode == "live":
            async with before(live) as gateway:
                yield gateway
            return
        async with (
            RecordingUpstream.into(folder, live, "ollama", CLOCK) as recording,
            before(recording) as gateway,
        ):
            yield gateway


def replaying(folder: Path) -> Any:
    """A gateway that answers from `folder`, at once."""
    return before(ReplayUpstream(folder, 0, CLOCK))


def simulating() -> Any:
    """A gateway before the simulated model, which answers at once."""
    return before(SimulatedUpstream(answer, Latency(0, 1e9), CLOCK))


def of_the_message(exchange: Exchange) -> tuple[str, str, bytes, dict[str, str]]:
    """What of a request must not change on the way: all but what belongs to one connection."""
    of_the_connection = {"host", "connection", "accept-encoding"}
    headers = {name: value for name, value in exchange.headers.items() if name not in of_the_connection}
    return exchange.method, exchange.target, exchange.body, headers


@pytest.mark.parametrize("mode", MODES)
@each_client
@each(MODEL_ASKS | LISTS | OTHERS)
async def test_model_and_client_notice_nothing(
    model: ScriptedOllama, tmp_path: Path, mode: str, kind: ClientKind, ask: Ask
) -> None:
    """The model is asked byte for byte the same, and the client gives out the same objects."""
    directly = await asked(kind, model.url, ask)
    async with passing_on(model, mode, tmp_path) as gateway:
        assert await asked(kind, gateway.host("a"), ask) == directly
    assert not any(isinstance(answer, Refused) for answer in directly)
    direct, passed = (
        of_the_message(exchange)
        for exchange in model.requests
        if exchange.headers.get("user-agent", "").startswith("ollama-python")
    )
    assert passed == direct


@each_client
@each({"chat": STREAMABLE["chat-tools-streamed"], "embed": EMBEDDED["embed"]} | LISTS | OTHERS)
async def test_model_and_client_notice_nothing_of_a_gateway_alone(
    model: ScriptedOllama, kind: ClientKind, ask: Ask
) -> None:
    """It has no prefix for the path of a request to keep or to lose."""
    runs = Runs(CLOCK)
    runs.open("alone", 1)
    async with (
        LiveUpstream.connected(model.url, 10) as live,
        serving_alone(live, runs, "alone", "127.0.0.1", 0) as port,
    ):
        passed = await asked(kind, f"http://127.0.0.1:{port}", ask)
    assert passed == await asked(kind, model.url, ask)
    through, direct = map(of_the_message, model.requests)
    assert through == direct


@each_client
@each(MODEL_ASKS)
async def test_what_was_recorded_is_replayed_as_it_was(
    model: ScriptedOllama, tmp_path: Path, kind: ClientKind, ask: Ask
) -> None:
    """Also where the recorded stream is asked for whole, or what was recorded whole is asked for streamed."""
    async with passing_on(model, "record", tmp_path) as gateway:
        recorded = timeless(await asked(kind, gateway.host("a"), ask))
    async with replaying(tmp_path) as gateway:
        assert timeless(await asked(kind, gateway.host("a"), ask)) == recorded
        if "stream" not in ask.given:
            return
        other = ask.streamed(not ask.given["stream"])
        replayed = timeless(await asked(kind, gateway.host("b"), other))
    # A stream of which all came at once is one line: there is no telling where the model paused.
    expected = recorded if other.given["stream"] else timeless(await asked(kind, model.url, other))
    assert replayed == expected


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("method", ["chat", "generate", "embed"])
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, b'{"error":"invalid options: \xe2\x98\x83"}'),
        (404, b'{"error":"model \'llama3.1\' not found"}'),
        (404, b"404 page not found"),
        (499, b'{"error":"client closed request"}'),
        (500, b'{"error": "out of memory", "code": 1.0}'),
        (502, b"<html>\r\n<h1>Bad Gateway</h1>\r\n</html>\r\n"),
        (503, b'{"error":"server busy, please try again.  maximum pending requests exceeded"}\n'),
        (503, b'{"message": {"content": "come back"},"model":"m","done":true}'),
        (500, b""),
    ],
)
async def test_a_status_keeps_its_body_to_the_byte(
    model: ScriptedOllama, tmp_path: Path, status: int, body: bytes, method: str, stream: bool
) -> None:
    """Before the model itself, when it is recorded, and when it is played again."""

    async def script(exchange: Exchange) -> None:
        known = exchange.method == "POST"
        await exchange.whole(status if known else 404, body, "Content-Type: x/y", "Connection: close")

    model.script = script
    path = f"/api/{method}"
    asked_for: dict[str, object] = {"model": "llama3.1", "input": "Why?", "stream": stream}

    async def told(gateway: Served) -> tuple[int, bytes]:
        async with gateway.session.post(gateway.host("a") + path, json=asked_for) as response:
            return response.status, await response.read()

    for mode in MODES:
        async with passing_on(model, mode, tmp_path) as gateway:
            assert await told(gateway) == (status, body)
            (call,) = await gateway.calls("a")
            assert call.status == status
            assert call.error
    async with replaying(tmp_path) as gateway:
        assert await told(gateway) == (status, body)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_error_in_mid_stream_is_raised_where_the_model_raised_it(
    model: ScriptedOllama, tmp_path: Path, stream: bool
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head(200, "Content-Type: application/x-ndjson", "Connection: close")
        await exchange.chunk(b'{"message":{"role":"assistant","content":"Be"},"done":false}\n')
        await exchange.chunk(b'{"error":"the runner died"}\n')
        await exchange.end()

    model.script = script
    ask = chat(stream=True)
    directly = await asked("async", model.url, ask)
    assert directly[1:] == [Refused(-1, "the runner died")]
    async with passing_on(model, "record", tmp_path) as gateway:
        assert await asked("async", gateway.host("a"), ask) == directly
    async with replaying(tmp_path) as gateway:
        first, second = timeless(await asked("async", gateway.host("a"), ask))
    assert isinstance(first, ollama.ChatResponse)
    assert (first.message.content, second) == ("Be", directly[1])


@pytest.mark.parametrize("mode", MODES)
@each_client
async def test_a_blob_is_looked_for_and_uploaded(
    model: ScriptedOllama, tmp_path: Path, mode: str, kind: ClientKind
) -> None:
    file = tmp_path / "weights.gguf"
    file.write_bytes(bytes(range(256)) * 5000)
    ask = Ask("create_blob", {"path": file})
    directly = await asked(kind, model.url, ask)
    async with passing_on(model, mode, tmp_path / "tapes") as gateway:
        assert await asked(kind, gateway.host("a"), ask) == directly
        async with gateway.session.head(f"{gateway.host('a')}/api/blobs/sha256:known") as there:
            assert there.status == 200
        async with gateway.session.head(f"{gateway.host('a')}/api/blobs/sha256:none") as missing:
            assert missing.status == 404
    direct, passed, *_ = map(of_the_message, model.requests)
    assert passed == direct
    assert direct[2] == file.read_bytes()
    assert [exchange.method for exchange in model.requests[2:]] == ["HEAD", "HEAD"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("path", "kind", "calls"),
    [
        ("/api/chat", "application/x-ndjson", 1),
        ("/api/generate", "application/x-ndjson", 1),
        ("/api/pull", "application/x-ndjson", 0),
        ("/v1/chat/completions", "text/event-stream", 0),
    ],
)
async def test_each_piece_is_passed_on_before_the_next_comes(
    model: ScriptedOllama, tmp_path: Path, path: str, kind: str, calls: int, mode: str
) -> None:
    pieces = [b'data: {"choices": []}\n\n', b'{"done": false}', b"\n\n data: [DONE]\n\n"]
    received = asyncio.Semaphore(0)

    async def script(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await answering(exchange)
            return
        await exchange.head(200, f"Content-Type: {kind}")
        for piece in pieces:
            await exchange.chunk(piece)
            await received.acquire()
        await exchange.end()

    model.script = script
    async with asyncio.timeout(10), passing_on(model, mode, tmp_path) as gateway:
        async with gateway.session.post(gateway.host("a") + path, json={"model": "m"}) as response:
            got = []
            async for piece in response.content.iter_any():
                got.append(piece)
                received.release()
        assert response.headers["Content-Type"] == kind
        assert len(await gateway.calls("a")) == calls
    assert got == pieces


async def test_the_version_is_the_models(model: ScriptedOllama, tmp_path: Path) -> None:
    async with (
        passing_on(model, "live", tmp_path) as gateway,
        gateway.session.get(f"{gateway.host('a')}/api/version") as response,
    ):
        assert await response.json() == {"version": "0.12.3"}


async def test_a_header_that_stands_more_than_once_stays_so_both_ways(
    model: ScriptedOllama, tmp_path: Path
) -> None:
    heads: list[list[str]] = []

    async def script(exchange: Exchange) -> None:
        heads.append(exchange.head_lines)
        await exchange.whole(200, {}, "X-Told: 1", "X-Told: 2", "Connection: close")

    model.script = script
    headers = [("X-Asked", "1"), ("X-Asked", "2")]
    async with passing_on(model, "live", tmp_path) as gateway:
        for path in ("/api/chat", "/api/pull"):
            async with gateway.session.post(
                gateway.host("a") + path, json={"model": "m"}, headers=headers
            ) as response:
                assert response.headers.getall("X-Told") == ["1", "2"]
    for head in heads:
        assert [line for line in head if line.startswith("X-Asked")] == ["X-Asked: 1", "X-Asked: 2"]


@each_client
@each(MODEL_ASKS)
async def test_the_simulated_model_answers_each_request(kind: ClientKind, ask: Ask) -> None:
    """Streamed and whole alike; the last part has the account."""
    async with simulating() as gateway:
        answers = await asked(kind, gateway.host("a"), ask)
        whole = await asked(kind, gateway.host("a"), ask.streamed(False) if "stream" in ask.given else ask)
    match answers[-1], whole:
        case ollama.ChatResponse() as last, [ollama.ChatResponse() as other]:
            text = "".join(part.message.content or "" for part in answers)  # type: ignore[attr-defined]
            assert text == other.message.content
            assert (last.done, last.done_reason, last.model) == (True, "stop", ask.given["model"])
            assert last.eval_count == other.eval_count
        case ollama.GenerateResponse() as last, [ollama.GenerateResponse() as other]:
            assert "".join(part.response or "" for part in answers) == other.response  # type: ignore[attr-defined]
            assert (last.done, last.model) == (True, ask.given["model"])
            assert last.done_reason == ("stop" if ask.given.get("prompt") else "load")
        case ollama.EmbedResponse() as last, _:
            texts = ask.given["input"]
            assert len(last.embeddings) == (len(texts) if isinstance(texts, list) else 1)
        case ollama.EmbeddingsResponse() as last, _:
            assert last.embedding
        case other, _:
            pytest.fail(f"no answer: {other}")


@pytest.mark.parametrize("stand_in", ["simulate", "replay"])
@each_client
@each(LISTS)
async def test_a_stand_in_says_what_models_it_has(
    model: ScriptedOllama, tmp_path: Path, stand_in: str, kind: ClientKind, ask: Ask
) -> None:
    async with passing_on(model, "record", tmp_path) as gateway:
        await asked("async", gateway.host("a"), chat())
    async with simulating() if stand_in == "simulate" else replaying(tmp_path) as gateway:
        (said,) = await asked(kind, gateway.host("a"), ask)
    if isinstance(said, ollama.ShowResponse):
        assert said.capabilities
        return
    assert isinstance(said, ollama.ListResponse | ollama.ProcessResponse)
    expected = "simulated:latest" if stand_in == "simulate" else "llama3.1"
    assert [entry.model for entry in said.models] == [expected]


@pytest.mark.parametrize("stand_in", ["simulate", "replay"])
@each_client
@each(OTHERS)
async def test_a_stand_in_has_nothing_else(tmp_path: Path, stand_in: str, kind: ClientKind, ask: Ask) -> None:
    async with simulating() if stand_in == "simulate" else replaying(tmp_path) as gateway:
        (refused,) = await asked(kind, gateway.host("a"), ask)
    assert isinstance(refused, Refused)
    assert refused.status == 404
    # The client takes the reason out of Ollama's shape; what has another shape it gives out whole.
    assert "model has no" in refused.error
    assert "{" not in refused.error


@pytest.mark.parametrize("stand_in", ["simulate", "replay"])
async def test_a_stand_in_has_no_blobs_and_no_openai_api(tmp_path: Path, stand_in: str) -> None:
    async with (
        simulating() if stand_in == "simulate" else replaying(tmp_path) as gateway,
        httpx.AsyncClient(base_url=gateway.host("a"), trust_env=False, verify=TLS) as client,
    ):
        assert (await client.head("/api/blobs/sha256:known")).status_code == 404
        for path, body in (("/api/blobs/sha256:x", bytes(100_000)), ("/v1/chat/completions", b"{}")):
            response = await client.post(path, content=body)
            assert response.status_code == 404
            assert set(json.loads(response.content)) == {"error"}
