"""A simulated Ollama on a real socket that does, byte by byte, what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


def line(text: str, **fields: object) -> bytes:
    """One line of a streamed answer."""
    return (
        json.dumps({"model": "m", "message": {"role": "assistant", "content": text}, **fields}).encode()
        + b"\n"
    )


LAST = line(
    "",
    done=True,
    done_reason="stop",
    load_duration=1_000_000,
    prompt_eval_count=7,
    prompt_eval_duration=2_000_000_000,
    eval_count=2,
    eval_duration=500_000_000,
)
"""The last line of an answer that is whole."""


@dataclass
class Exchange:
    """One request that came in, and the means to answer it."""

    method: str
    target: str
    headers: dict[str, str]
    head_lines: list[str]
    body: bytes
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def head(self, status: int = 200, *headers: str) -> None:
        """Send status and headers of an answer in chunks."""
        lines = (f"HTTP/1.1 {status} Whatever", "Transfer-Encoding: chunked", *headers, "", "")
        await self.raw("\r\n".join(lines).encode())

    async def chunk(self, data: bytes) -> None:
        """Send one chunk."""
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self) -> None:
        """End the answer in order."""
        await self.raw(b"0\r\n\r\n")

    async def whole(self, status: int, payload: object, *headers: str) -> None:
        """Send an answer that is not streamed."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        lines = (f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers, "", "")
        await self.raw("\r\n".join(lines).encode() + body)

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def client_gone(self) -> None:
        """Return when the other side has closed the connection, or reset it with bytes left unread."""
        with suppress(ConnectionError):
            while await self._reader.read(1024):
                pass


Script = Callable[[Exchange], Awaitable[None]]


class ScriptedOllama:
    """Answers every request by `script`, and closes the connection when that is done."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.script: Script = _nothing
        self.requests: list[Exchange] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            exchange = await _read(reader, writer)
            self.requests.append(exchange)
            await self.script(exchange)
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted_ollama() -> AsyncIterator[ScriptedOllama]:
    """A `ScriptedOllama` that listens on a free port."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(ollama.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=1024)
    ollama = ScriptedOllama(server.sockets[0].getsockname()[1])
    async with server:
        yield ollama
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = (entry.split(": ", 1) for entry in head[1:] if entry)
    headers = {name.lower(): value for name, value in pairs}
    if headers.get("transfer-encoding") == "chunked":
        body = await _unchunked(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Exchange(method, target, headers, head[1:], body, reader, writer)


async def _unchunked(reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(chunks)


async def _nothing(exchange: Exchange) -> None:
    raise AssertionError(f"no script for {exchange.method} {exchange.target}")
