"""The reading of an answer in large pieces, before a real socket."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from async_arch import bulk_reading
from async_arch.bulk_reading import pieces
from tests.gateway.scripted_ollama import Exchange, Script, scripted_ollama

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_RCVLOWAT"), reason="the system knows no such thing")

CLOSES = "Connection: close"


async def _read(script: Script) -> list[bytes]:
    async with (
        scripted_ollama() as model,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
    ):
        model.script = script
        async with asyncio.timeout(10), session.post(model.url, data=b"") as response:
            return [piece async for piece in pieces(response)]


async def _lines(exchange: Exchange, count: int) -> None:
    for number in range(count):
        await exchange.chunk(b"%05d\n" % number)
        # The reader has its turn, and would take what is there if it were woken.
        await asyncio.sleep(0.001)


async def test_a_reader_is_woken_for_the_end_and_not_for_every_chunk() -> None:
    async def answer(exchange: Exchange) -> None:
        await exchange.head(200, CLOSES)
        await _lines(exchange, 100)
        await exchange.end()

    found = await _read(answer)
    assert b"".join(found) == b"".join(b"%05d\n" % number for number in range(100))
    # What came together with the head, and the rest.
    assert len(found) <= 3


async def test_long_answers_come_in_pieces() -> None:
    """Small chunks take far more room in the kernel than their bytes: it must not wait for what has none."""
    line = b"x" * 99 + b"\n"

    async def answer(exchange: Exchange) -> None:
        await exchange.head(200, CLOSES)
        for _ in range(5_000):
            await exchange.chunk(line)
        await exchange.end()

    assert b"".join(await _read(answer)) == line * 5_000


@pytest.mark.parametrize("ends", [True, False], ids=["ends, and does not close", "neither"])
async def test_what_came_is_looked_at_where_the_end_of_the_connection_does_not_come(
    monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    monkeypatch.setattr(bulk_reading, "_LOOK_AGAIN_S", 0.05)

    async def answer(exchange: Exchange) -> None:
        await exchange.head(200, CLOSES)
        await asyncio.sleep(0.01)
        await exchange.chunk(b"all there is\n")
        if ends:
            await exchange.end()
        await exchange.client_gone()

    async with (
        scripted_ollama() as model,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session,
    ):
        model.script = answer
        async with asyncio.timeout(10), session.post(model.url, data=b"") as response:
            body = pieces(response)
            assert await anext(body) == b"all there is\n"
            if ends:
                assert await anext(body, None) is None
            await body.aclose()


async def test_a_connection_that_stays_open_is_read_as_it_comes() -> None:
    """Its end would tell nothing."""

    async def answer(exchange: Exchange) -> None:
        await exchange.head(200)
        await _lines(exchange, 20)
        await exchange.end()
        await exchange.client_gone()

    assert len(await _read(answer)) > 10
