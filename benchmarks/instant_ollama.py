"""An Ollama without a model, in a process of its own: it answers at once, or a line every so often.

What a request wants stands in its options: `lines` of a stream, `every_s` seconds apart. The lines of a paced
stream say when they were sent, on the monotonic clock that all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["instant_ollama"]

_BACKLOG = 1024
_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0


def _line(text: str, **fields: object) -> bytes:
    said = {"role": "assistant", "content": text}
    line = {"model": "m", "created_at": "2030-01-02T03:04:05.123456789Z", "message": said, "done": False}
    return json.dumps(line | fields).encode() + b"\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


_WORD = _chunk(_line(" word"))
_LAST = _chunk(_line("", done=True, done_reason="stop", eval_count=1)) + b"0\r\n\r\n"
_WHOLE = _line("Because.", done=True, done_reason="stop", eval_count=1)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await _answer(reader, writer):
            pass
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; whether the connection stays open for another."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    asked = json.loads(await reader.readexactly(length))
    closes = b"connection: close" in head
    kept = b"Connection: close\r\n" if closes else b""
    if asked["stream"]:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
            + kept
            + b"\r\n"
        )
        await _stream(writer, asked["options"]["lines"], asked["options"]["every_s"])
    else:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(_WHOLE), kept, _WHOLE))
    await writer.drain()
    return not closes


async def _stream(writer: asyncio.StreamWriter, lines: int, every_s: float) -> None:
    began_s = time.monotonic()
    for number in range(lines):
        if every_s:
            await asyncio.sleep(began_s + number * every_s - time.monotonic())
            writer.write(_chunk(_line(" word", sent_s=time.monotonic())))
        else:
            writer.write(_WORD)
            await writer.drain()
    writer.write(_LAST)


async def _main() -> None:
    """Serve until stdin ends; the port is the one line on stdout."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=_BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 (how the owner is told)
    await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def instant_ollama() -> AsyncIterator[str]:
    """The URL of one that serves, and is gone when the block is left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__)), stdin=PIPE, stdout=PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise ValueError("it is spoken to through its pipes")
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(_main())
