"""What is large, many or slow: nothing is held up, mixed up, or gathered in the gateway's memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from harness.gateway.cassette import RecordingUpstream, ReplayUpstream
from harness.gateway.clock import MonotonicClock
from harness.gateway.live import LiveUpstream
from tests.gateway.scripted_ollama import LAST, Exchange, ScriptedOllama, line, scripted_ollama
from tests.gateway.served import RUN, Served, question, served

CLOCK = MonotonicClock()
TAPED = "taped"
"""A run that records, where anything does."""
BLOCK = line("x" * 64 * 1024)
OFFERED = 48 * 1024 * 1024
BUFFERED = OFFERED // 2
"""What may be on the way, most of it in the kernel's buffers, which grow with the flow."""


@pytest.fixture
async def model() -> AsyncIterator[ScriptedOllama]:
    async with scripted_ollama() as model:
        yield model


@asynccontextmanager
async def gateway_before(url: str, tapes: Path | None = None) -> AsyncIterator[Served]:
    """A gateway that passes on, and records where `tapes` says into which folder."""
    async with AsyncExitStack() as stack:
        live = await stack.enter_async_context(LiveUpstream.connected(url, 30))
        recording = tapes and RecordingUpstream.into(tapes, live, "ollama", CLOCK)
        upstream = await stack.enter_async_context(recording) if recording else live
        gateway = await stack.enter_async_context(served(upstream, CLOCK))
        await gateway.open(TAPED, cassette="tape")
        yield gateway


@pytest.fixture
async def relaying(model: ScriptedOllama) -> AsyncIterator[Served]:
    """A gateway before `model`, with one slot."""
    async with gateway_before(model.url) as gateway:
        yield gateway


@asynccontextmanager
async def slow_client(
    gateway: Served, head: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the gateway with a request's head sent, whose own buffers are small."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", gateway.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=64 * 1024)
    try:
        writer.write(head.encode())
        yield reader, writer
    finally:
        writer.transport.abort()


def head_of(path: str, length: int, run: str = RUN) -> str:
    lines = (
        f"POST /r/{run}{path} HTTP/1.1",
        "Host: gateway",
        f"Content-Length: {length}",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", ""))


class Flow:
    """How many bytes have gone into one end of a line."""

    def __init__(self) -> None:
        self.sent = 0
        self.ended = asyncio.Event()

    async def come_to_rest(self) -> int:
        """Return when nothing has moved for a while, or all has gone."""
        async with asyncio.timeout(30):
            before = -1
            while before != self.sent and not self.ended.is_set():
                before = self.sent
                await asyncio.sleep(0.2)
        return self.sent


async def test_ten_megabytes_pass_live_recorded_and_replayed(model: ScriptedOllama, tmp_path: Path) -> None:
    text = "".join(f"{number:08} – Größe\n" for number in range(500_000))
    told = hashlib.sha256(text.encode()).hexdigest()

    async def script(exchange: Exchange) -> None:
        said = json.loads(exchange.body)["messages"][0]["content"] if exchange.body else ""
        digest = hashlib.sha256(said.encode()).hexdigest()
        await exchange.whole(200, line(digest, done=True, done_reason="stop"))

    model.script = script

    async def ask(gateway: Served) -> str:
        client = await gateway.client(TAPED)
        return (await client.chat("m", [{"role": "user", "content": text}])).message.content or ""

    for tapes in (None, tmp_path):
        async with gateway_before(model.url, tapes) as gateway:
            assert await ask(gateway) == told
            (call,) = await gateway.calls(TAPED)
            assert call.request.messages[0].content == text.strip()
    bodies = [exchange.body for exchange in model.requests if exchange.body]
    assert bodies[0] == bodies[1]
    assert len(bodies[0]) > 10_000_000
    async with served(ReplayUpstream(tmp_path, 0, CLOCK), CLOCK) as gateway:
        await gateway.open(TAPED, cassette="tape")
        assert await ask(gateway) == told


async def test_two_hundred_streams_run_at_once_and_none_gets_the_bytes_of_another(
    model: ScriptedOllama, relaying: Served
) -> None:
    """None of them would end if one had to wait for another."""
    all_there = asyncio.Barrier(200)

    def lines_for(name: str) -> list[bytes]:
        return [*(line(f"{name}: {number} {'.' * number}") for number in range(10)), LAST]

    async def script(exchange: Exchange) -> None:
        async with asyncio.timeout(30):
            await all_there.wait()
        await exchange.head()
        for part in lines_for(json.loads(exchange.body)["messages"][0]["content"]):
            await exchange.chunk(part)
            await asyncio.sleep(0)
        await exchange.end()

    model.script = script
    await relaying.open("wide", slots=200)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def stream(name: str) -> bytes:
            url = f"{relaying.host('wide')}/api/chat"
            async with session.post(url, json=question(name)) as response:
                return await response.read()

        names = [f"stream {number}" for number in range(200)]
        bodies = await asyncio.gather(*map(stream, names))
    assert bodies == [b"".join(lines_for(name)) for name in names]
    calls = await relaying.calls("wide")
    assert {(call.status, call.error) for call in calls} == {(200, None)}
    assert {call.response.partition(":")[0] for call in calls} == set(names)


@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
@pytest.mark.parametrize("mode", ["live", "record"])
async def test_a_client_that_reads_slowly_slows_the_model_down(
    model: ScriptedOllama, tmp_path: Path, mode: str, path: str
) -> None:
    """And gets all of it in the end."""
    flow = Flow()

    async def script(exchange: Exchange) -> None:
        if exchange.method == "GET":
            await exchange.whole(200, {})
            return
        await exchange.head()
        while flow.sent < OFFERED:
            await exchange.chunk(BLOCK)
            flow.sent += len(BLOCK)
        await exchange.chunk(LAST)
        await exchange.end()
        flow.ended.set()

    model.script = script
    body = json.dumps(question()).encode()
    async with (
        gateway_before(model.url, tmp_path if mode == "record" else None) as gateway,
        slow_client(gateway, head_of(path, len(body), TAPED)) as (reader, writer),
    ):
        writer.write(body)
        assert 0 < await flow.come_to_rest() < BUFFERED
        received = 0
        while chunk := await reader.read(1024 * 1024):
            received += len(chunk)
    assert received > flow.sent >= OFFERED


class Taker:
    """A server that reads the head of a request, waits until it may read on, and counts what then comes."""

    def __init__(self) -> None:
        self.url = ""
        self.may_read = asyncio.Event()
        self.taken = 0
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await self.may_read.wait()
        while self.taken < OFFERED and (chunk := await reader.read(1024 * 1024)):
            self.taken += len(chunk)
        if self.taken == OFFERED:
            writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        self.closed.set()


@pytest.fixture
async def taker() -> AsyncIterator[Taker]:
    taker = Taker()
    async with await asyncio.start_server(taker.serve, "127.0.0.1", 0) as server:
        taker.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield taker


async def test_a_model_that_reads_slowly_slows_an_upload_down(taker: Taker) -> None:
    flow = Flow()
    async with (
        gateway_before(taker.url) as gateway,
        slow_client(gateway, head_of("/api/blobs/sha256:x", OFFERED)) as (reader, writer),
        asyncio.TaskGroup() as tasks,
    ):

        async def send() -> None:
            while flow.sent < OFFERED:
                writer.write(bytes(64 * 1024))
                await writer.drain()
                flow.sent += 64 * 1024
            flow.ended.set()

        tasks.create_task(send())
        assert 0 < await flow.come_to_rest() < BUFFERED
        taker.may_read.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 201")


async def test_a_client_that_goes_away_while_it_uploads_closes_the_line_to_the_model(taker: Taker) -> None:
    taker.may_read.set()
    async with asyncio.timeout(10), gateway_before(taker.url) as gateway:
        async with slow_client(gateway, head_of("/api/blobs/sha256:x", OFFERED)) as (_, writer):
            writer.write(bytes(1024))
            while not taker.taken:  # noqa: ASYNC110 - a server tells when it is asked
                await asyncio.sleep(0.001)
        await taker.closed.wait()
    assert taker.taken == 1024


@pytest.mark.parametrize("sent", [0, 10])
async def test_a_client_that_goes_away_before_its_request_is_whole_has_asked_nothing(
    model: ScriptedOllama, relaying: Served, caplog: pytest.LogCaptureFixture, sent: int
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.whole(200, line("Because.", done=True))

    model.script = script
    async with slow_client(relaying, head_of("/api/chat", 1000)) as (_, writer):
        writer.write(b"{" * sent)
        await writer.drain()
        # Served by the same loop, so that by then the gateway has begun to read.
        assert (await relaying.progress()).arrived == 0
    async with asyncio.timeout(10):
        answer = await (await relaying.client()).chat("m", [])
    assert answer.message.content == "Because."
    assert len(model.requests) == 1
    assert (await relaying.end()).malformed == 0
    assert len(await relaying.calls()) == 1
    assert caplog.records == []


async def test_a_slow_client_that_goes_away_frees_its_slot_and_the_model(
    model: ScriptedOllama, relaying: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """The gateway waits to send at that moment, and not for the model."""
    flow, gone = Flow(), asyncio.Event()

    async def script(exchange: Exchange) -> None:
        if b"leave" not in exchange.body:
            await exchange.whole(200, line("Because.", done=True))
            return
        await exchange.head()
        try:
            while True:
                await exchange.chunk(BLOCK)
                flow.sent += len(BLOCK)
        except ConnectionError:
            gone.set()
            raise

    model.script = script
    body = json.dumps(question("I will leave.")).encode()
    async with slow_client(relaying, head_of("/api/chat", len(body))) as (_, writer):
        writer.write(body)
        await flow.come_to_rest()
    async with asyncio.timeout(10):
        await gone.wait()
        async with relaying.post(question("Who is next?")) as response:
            assert response.status == 200
    left, following = await relaying.calls()
    assert (left.status, left.error) == (499, "the client went away")
    assert (following.status, following.error) == (200, None)
    assert caplog.records == []
