"""The proxy passes everything on unchanged, and misbehaves only as it is told to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.network.certificate import make_certificate
from tests.network.cuts import Cuts
from tests.network.proxy import Address, Proxy, proxying

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]

TIMEOUT_S = 20.0
SHORT_S = 0.05
"""How long nothing has to come before nothing is said to come."""


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(1000):
            writer.write(chunk)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def _on_tcp(_: Path) -> AsyncIterator[Address]:
    async with await asyncio.start_server(_echo, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()


@asynccontextmanager
async def _on_a_socket(folder: Path) -> AsyncIterator[Address]:
    path = folder / "s"
    async with await asyncio.start_unix_server(_echo, path):
        yield path


@pytest.fixture(params=[_on_tcp, _on_a_socket], ids=["tcp", "unix"])
async def proxy(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Proxy]:
    """A proxy before a server that says what it is told."""
    # Relative, since the path of a socket has to be short.
    monkeypatch.chdir(tmp_path)
    async with request.param(Path()) as server, proxying(server) as opened:
        yield opened


@asynccontextmanager
async def _client(proxy: Proxy, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, ssl=tls)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def _said(client: Client, text: bytes) -> bytes:
    """What comes back for `text`; less than that where the connection ends before."""
    reader, writer = client
    try:
        writer.write(text)
        return await reader.readexactly(len(text))
    except asyncio.IncompleteReadError as error:
        return error.partial
    except ConnectionError:
        return b""


async def test_everything_passes_unchanged(proxy: Proxy) -> None:
    text = bytes(range(256)) * 4096
    async with _client(proxy) as one, _client(proxy) as other:
        heard, also_heard = await asyncio.gather(_said(one, text), _said(other, text[1:]))
    assert heard == text
    assert also_heard == text[1:]
    assert proxy.accepted == 2


async def test_what_a_server_says_before_it_hangs_up_arrives() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"-ERR no" * 100_000)
        writer.close()

    async with (
        await asyncio.start_server(refuse, "127.0.0.1", 0) as server,
        proxying(server.sockets[0].getsockname()) as proxy,
        _client(proxy) as (reader, _),
    ):
        assert await reader.read() == b"-ERR no" * 100_000


async def test_while_away_connections_are_refused_and_those_there_were_are_cut(proxy: Proxy) -> None:
    async with _client(proxy) as client:
        assert await _said(client, b"here") == b"here"
        async with proxy.away():
            assert await _said(client, b"here?") == b""
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", proxy.port)
    async with _client(proxy) as client:
        assert await _said(client, b"again") == b"again"


async def test_hanging_nothing_passes_until_it_ends(proxy: Proxy) -> None:
    async with _client(proxy) as (reader, writer):
        async with proxy.hanging():
            writer.write(b"late")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), SHORT_S)
        assert await reader.readexactly(4) == b"late"


@pytest.mark.parametrize("commands", [True, False])
async def test_commands_may_be_done_whose_answers_never_come(commands: bool) -> None:
    heard = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(10):
            heard.set()
        writer.write(b"done")
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        proxying(server.sockets[0].getsockname()) as proxy,
        _client(proxy) as (reader, writer),
        proxy.hanging(commands=commands),
    ):
        writer.write(b"do")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), SHORT_S)
        assert heard.is_set() is not commands
        proxy.cut()
        assert await _rest(reader) == b""


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def test_each_chunk_is_late_each_way_and_none_waits_for_another(proxy: Proxy) -> None:
    proxy.delay_s = 0.1
    loop = asyncio.get_running_loop()
    async with _client(proxy) as (reader, writer):
        begun = loop.time()
        for number in range(100):
            writer.write(b"%02d" % number)
            await asyncio.sleep(0.002)
        answer = await reader.readexactly(200)
        took_s = loop.time() - begun
    assert answer == b"".join(b"%02d" % number for number in range(100))
    # One after the other they would take 10 s.
    assert 0.2 <= took_s < 3


async def test_drawn_delays_keep_the_order(proxy: Proxy) -> None:
    proxy.jitter_s = 0.01
    text = b"".join(b"%03d" % number for number in range(100))
    async with _client(proxy) as (reader, writer):
        for start in range(0, 300, 3):
            writer.write(text[start : start + 3])
            await asyncio.sleep(0)
        assert await reader.readexactly(300) == text


async def test_connections_break_after_numbers_of_bytes_that_a_seed_draws(proxy: Proxy) -> None:
    text = b"x" * 1000
    returned = []
    proxy.cuts = Cuts(mean_bytes=900, seed=1)
    for _ in range(20):
        async with _client(proxy) as client:
            returned.append(len(await _said(client, text)))
    assert proxy.cuts.made >= 10
    assert 0 in returned
    # In the middle of an answer as well.
    assert any(0 < length < 1000 for length in returned)


def test_one_seed_draws_the_same_cuts_and_another_others() -> None:
    def drawn(seed: int) -> list[int | None]:
        cuts = Cuts(mean_bytes=100, seed=seed)
        return [cuts.before(60) for _ in range(50)]

    assert drawn(1) == drawn(1) != drawn(2)


async def test_tls_in_front_is_believed_by_the_authority_and_by_nobody_else(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    async with (
        await asyncio.start_server(_echo, "127.0.0.1", 0) as server,
        proxying(server.sockets[0].getsockname(), certificate.server) as proxy,
    ):
        trusting = ssl.create_default_context(cafile=certificate.authority)
        async with _client(proxy, trusting) as client:
            assert await _said(client, b"secret" * 10_000) == b"secret" * 10_000
        with pytest.raises(ssl.SSLCertVerificationError):
            async with _client(proxy, ssl.create_default_context()):
                pass


async def test_nothing_is_left_of_it() -> None:
    async with await asyncio.start_server(_echo, "127.0.0.1", 0) as server:
        before = asyncio.all_tasks()
        async with proxying(server.sockets[0].getsockname()) as proxy, _client(proxy) as client:
            assert await _said(client, b"here") == b"here"
            assert asyncio.all_tasks() > before
        async with asyncio.timeout(TIMEOUT_S):
            # The server of this test ends its own task when it learns that the connection is gone.
            while asyncio.all_tasks() > before:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
