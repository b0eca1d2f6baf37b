from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import ollama
import pytest
from yarl import URL

from harness.gateway.answer import ENDED_EARLY
from harness.gateway.calls import CallRecord
from harness.gateway.clock import MonotonicClock
from harness.gateway.live import LiveUpstream
from tests.gateway.scripted_ollama import LAST, Exchange, ScriptedOllama, line, scripted_ollama
from tests.gateway.served import Served, served


@pytest.fixture
async def model() -> AsyncIterator[ScriptedOllama]:
    async with scripted_ollama() as model:
        yield model


@pytest.fixture
async def gateway(model: ScriptedOllama) -> AsyncIterator[Served]:
    """A gateway before `model`."""
    async with (
        LiveUpstream.connected(model.url, 30) as upstream,
        served(upstream, MonotonicClock()) as gateway,
    ):
        yield gateway


@asynccontextmanager
async def impatient(model: ScriptedOllama, timeout_s: float) -> AsyncIterator[Served]:
    """A gateway that bears a silence of `model` no longer than that."""
    async with (
        LiveUpstream.connected(model.url, timeout_s) as upstream,
        served(upstream, MonotonicClock()) as gateway,
    ):
        yield gateway


async def stream(gateway: Served) -> AsyncIterator[str]:
    """The parts of a streamed answer, as the client gives them out."""
    async for part in await (await gateway.client()).chat("m", [], stream=True):
        yield part.message.content or ""


async def collect(gateway: Served, parts: list[str]) -> None:
    """The parts of a streamed answer into `parts`, which has them whatever comes after."""
    async for part in stream(gateway):
        parts += [part]


async def whole(gateway: Served) -> str:
    """An answer that is not streamed."""
    return (await (await gateway.client()).chat("m", [])).message.content or ""


async def only_call(gateway: Served) -> CallRecord:
    (call,) = await gateway.calls()
    return call


async def test_a_stream_is_passed_on_as_it_comes(model: ScriptedOllama, gateway: Served) -> None:
    """The client has the first chunk before the model sends the second."""
    received = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.head(200, "Content-Type: application/x-ndjson")
        await exchange.chunk(line("Be"))
        async with asyncio.timeout(10):
            await received.wait()
        await exchange.chunk(line("cause"))
        await exchange.chunk(LAST)
        await exchange.end()

    model.script = script
    parts: list[str] = []
    async for part in stream(gateway):
        parts.append(part)
        received.set()
    assert parts == ["Be", "cause", ""]
    call = await only_call(gateway)
    assert (call.response, call.error, call.done_reason) == ("Because", None, "stop")
    assert (call.prompt_tokens, call.output_tokens) == (7, 2)
    assert (call.load_s, call.prompt_eval_s, call.eval_s) == (0.001, 2.0, 0.5)


async def test_bytes_reach_the_client_and_the_model_as_they_were(
    model: ScriptedOllama, gateway: Served
) -> None:
    """Including what no JSON library would have written."""
    answer = b'{"message" : {"content":"\\u0048i"},"done":true , "new_field":1.0}'
    asked = b'{"model":"m" ,"messages":[],"stream":false, "new_field":1.0}'

    async def script(exchange: Exchange) -> None:
        await exchange.whole(200, answer, "X-Extra: kept")

    model.script = script
    async with gateway.session.post(
        f"{gateway.host()}/api/chat", data=asked, headers={"X-Asked": "kept"}
    ) as response:
        assert await response.read() == answer
        assert response.headers["X-Extra"] == "kept"
    (request,) = model.requests
    assert (request.method, request.target, request.body) == ("POST", "/api/chat", asked)
    assert request.headers["x-asked"] == "kept"
    assert request.headers["host"] == f"127.0.0.1:{model.port}"
    assert request.headers["accept-encoding"] == "identity"
    assert (await only_call(gateway)).response == "Hi"


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    ("status", "reason"), [(404, "model 'm' not found"), (500, "out of memory"), (503, "server busy")]
)
async def test_an_error_of_the_model_keeps_status_and_body(
    model: ScriptedOllama, gateway: Served, status: int, reason: str, streaming: bool
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.whole(status, {"error": reason})

    model.script = script
    with pytest.raises(ollama.ResponseError) as error:
        await (collect(gateway, []) if streaming else whole(gateway))
    assert (error.value.status_code, error.value.error) == (status, reason)
    call = await only_call(gateway)
    assert (call.status, call.error, call.response) == (status, reason, "")


async def test_a_stream_that_is_cut_is_cut_for_the_client(model: ScriptedOllama, gateway: Served) -> None:
    """What came before is passed on; that the connection broke is not hidden behind an end in order."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(line("Be"))

    model.script = script
    parts: list[str] = []
    with pytest.raises(httpx.RemoteProtocolError):
        await collect(gateway, parts)
    assert parts == ["Be"]
    call = await only_call(gateway)
    assert (call.status, call.response) == (200, "Be")
    assert call.error is not None
    assert call.error.startswith(ENDED_EARLY)


async def test_a_stream_that_ends_in_order_without_done_ends_so_for_the_client(
    model: ScriptedOllama, gateway: Served
) -> None:
    """A client of Ollama would notice nothing, so neither does this one; the record does."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(line("Be"))
        await exchange.end()

    model.script = script
    assert [part async for part in stream(gateway)] == ["Be"]
    call = await only_call(gateway)
    assert (call.status, call.error, call.response) == (200, ENDED_EARLY, "Be")


async def test_an_answer_cut_short_of_its_length_is_cut_for_the_client(
    model: ScriptedOllama, gateway: Served
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b'{"message":')

    model.script = script
    with pytest.raises(httpx.RemoteProtocolError):
        await whole(gateway)
    call = await only_call(gateway)
    assert call.status == 200
    assert call.error is not None


async def test_an_error_in_mid_stream_reaches_client_and_record(
    model: ScriptedOllama, gateway: Served
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(line("Be"))
        await exchange.chunk(b'{"error": "the runner died"}\n')
        await exchange.end()

    model.script = script
    with pytest.raises(ollama.ResponseError) as error:
        await collect(gateway, [])
    assert (error.value.status_code, error.value.error) == (-1, "the runner died")
    call = await only_call(gateway)
    assert (call.status, call.error, call.response) == (200, "the runner died", "Be")


@pytest.mark.parametrize("head_sent", [False, True])
async def test_a_model_that_hangs_before_its_answer_is_answered_504(
    model: ScriptedOllama, head_sent: bool
) -> None:
    async def script(exchange: Exchange) -> None:
        if head_sent:
            await exchange.head()
        await exchange.client_gone()

    model.script = script
    async with impatient(model, 0.1) as gateway:
        with pytest.raises(ollama.ResponseError, match=r"sent nothing for 0\.1 s") as error:
            await collect(gateway, [])
        call = await only_call(gateway)
    assert error.value.status_code == 504
    assert (call.status, call.first_byte_s) == (504, None)
    assert call.error is not None
    assert "sent nothing for 0.1 s" in call.error


async def test_a_model_that_hangs_within_its_answer_is_cut(model: ScriptedOllama) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.chunk(line("Be"))
        await exchange.client_gone()

    model.script = script
    async with impatient(model, 0.5) as gateway:
        with pytest.raises(httpx.RemoteProtocolError):
            await collect(gateway, [])
        call = await only_call(gateway)
    assert (call.status, call.response) == (200, "Be")
    assert call.error is not None
    assert "sent nothing for 0.5 s" in call.error


async def test_a_model_that_refuses_the_connection_is_answered_502() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, so that nobody else listens there, and not listening
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        async with (
            LiveUpstream.connected(url, 30) as upstream,
            served(upstream, MonotonicClock()) as gateway,
        ):
            with pytest.raises(ollama.ResponseError) as error:
                await whole(gateway)
            call = await only_call(gateway)
    assert (error.value.status_code, error.value.error) == (502, f"cannot reach Ollama at {url}")
    assert (call.status, call.error) == (502, f"cannot reach Ollama at {url}")


async def test_a_model_that_closes_the_connection_without_an_answer_is_answered_502(
    model: ScriptedOllama, gateway: Served
) -> None:
    async def script(exchange: Exchange) -> None:
        return

    model.script = script
    with pytest.raises(ollama.ResponseError, match="gave no answer") as error:
        await whole(gateway)
    assert error.value.status_code == 502


async def test_other_requests_are_passed_on_untouched_and_only_counted(
    model: ScriptedOllama, gateway: Served
) -> None:
    packed = gzip.compress(b'{"response": "Hi"}')

    async def script(exchange: Exchange) -> None:
        await exchange.whole(201, packed, "Content-Encoding: gzip", "Content-Type: application/json")

    model.script = script
    target = f"{gateway.host()}/api/any%20thing?x=%2F"
    async with gateway.session.request(
        "PUT", URL(target, encoded=True), data=b"\0\1", headers={"Accept-Encoding": "gzip"}
    ) as response:
        assert response.status == 201
        assert await response.json() == {"response": "Hi"}
    (request,) = model.requests
    assert (request.method, request.target, request.body) == ("PUT", "/api/any%20thing?x=%2F", b"\0\1")
    assert request.headers["accept-encoding"] == "gzip"
    assert await gateway.calls() == []
    assert (await gateway.end()).other_requests == 1


async def test_a_packed_body_is_not_unpacked_on_its_way(model: ScriptedOllama, gateway: Served) -> None:
    """The header that says so goes on too, and they must fit."""

    async def script(exchange: Exchange) -> None:
        await exchange.whole(200, {})

    model.script = script
    packed = gzip.compress(b"{}")
    headers = {"Content-Encoding": "gzip"}
    async with gateway.session.post(f"{gateway.host()}/api/create", data=packed, headers=headers) as response:
        assert response.status == 200
    assert model.requests[0].body == packed
    assert model.requests[0].headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("DELETE", 204), ("GET", 304)])
async def test_an_answer_without_a_body_is_passed_on_without_one(
    model: ScriptedOllama, gateway: Served, method: str, status: int
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.raw(f"HTTP/1.1 {status} Whatever\r\nX-Extra: kept\r\n\r\n".encode())

    model.script = script
    async with gateway.session.request(method, f"{gateway.host()}/api/blobs/x") as response:
        assert (response.status, response.headers["X-Extra"]) == (status, "kept")
        assert await response.read() == b""


async def test_a_request_without_a_body_is_passed_on_without_one(
    model: ScriptedOllama, gateway: Served
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.whole(200, {"models": [{"model": "llama3.1:latest"}]})

    model.script = script
    models = await (await gateway.client()).list()
    assert [entry.model for entry in models.models] == ["llama3.1:latest"]
    assert "transfer-encoding" not in model.requests[0].headers


@pytest.mark.parametrize("endpoint", ["/api/chat", "/api/generate", "/api/embed"])
@pytest.mark.parametrize("body", [b"{", b'{"messages": []}', b"[1]"])
async def test_what_the_gateway_cannot_read_the_model_answers_itself(
    model: ScriptedOllama, gateway: Served, body: bytes, endpoint: str
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.whole(400, {"error": "json: cannot unmarshal"}, "X-Model: 1")

    model.script = script
    async with gateway.session.post(f"{gateway.host()}{endpoint}", data=body) as response:
        assert (response.status, response.headers["X-Model"]) == (400, "1")
        assert json.loads(await response.read()) == {"error": "json: cannot unmarshal"}
    assert (model.requests[0].target, model.requests[0].body) == (endpoint, body)
    marks = await gateway.end()
    assert (marks.malformed, marks.other_requests) == (1, 0)
    assert await gateway.calls() == []
