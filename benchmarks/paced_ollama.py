"""An Ollama with the simulated model and nothing else, in a process of its own: a base to measure against.

It answers what the gateway's own simulated model answers, at the same pace and with slots, but understands no
runs, keeps no records and is not told who asks. It says how long a build took by what it saw itself: from the
arrival of the first call to the end of the last.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.clock import MonotonicClock
from harness.gateway.simulate import Latency, SimulatedUpstream
from harness.gateway.simulated import answer
from harness.gateway.upstream import ModelCall

__all__ = ["PacedOllama", "paced_ollama"]

_MODEL = "llama3.1:latest"
_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 5.0


class _Server:
    """The Ollama API before a simulated model, and the marks of the build that uses it."""

    def __init__(self, latency: Latency, slots: int) -> None:
        self._model = SimulatedUpstream(answer, latency, MonotonicClock())
        self._slots = asyncio.Semaphore(slots)
        self._marks: list[float] = []

    async def chat(self, request: web.Request) -> web.StreamResponse:
        arrived_s = time.monotonic()
        asked = await request.json()
        call = ModelCall(CanonicalRequest.from_payload(asked), bool(asked["stream"]), b"", {})
        async with self._slots, self._model.answer(call) as reply:
            response = web.StreamResponse(status=reply.status, headers=reply.headers)
            await response.prepare(request)
            async for chunk in reply.chunks:
                await response.write(chunk)
            await response.write_eof()
        self._marks += [arrived_s, time.monotonic()]
        return response

    async def version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "0.0.0"})

    async def tags(self, request: web.Request) -> web.Response:
        return web.json_response({"models": [{"name": _MODEL, "model": _MODEL}]})

    async def build(self, request: web.Request) -> web.Response:
        """How long the build took that is over, in which many calls; then it begins to count anew."""
        marks, self._marks = self._marks, []
        return web.json_response({"wall_s": max(marks) - min(marks), "calls": len(marks) // 2})


async def _main(ttft_s: float, tokens_per_s: float, slots: int) -> None:
    """Serve until stdin ends; the port is the one line on stdout."""
    server = _Server(Latency(ttft_s, tokens_per_s), slots)
    app = web.Application()
    app.router.add_post("/api/chat", server.chat)
    app.router.add_get("/api/version", server.version)
    app.router.add_get("/api/tags", server.tags)
    app.router.add_get("/build", server.build)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(site.port, flush=True)  # noqa: T201 (how the owner is told)
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class PacedOllama:
    """One that serves at `url`."""

    url: str
    _session: aiohttp.ClientSession = field(repr=False)

    async def build(self) -> tuple[float, int]:
        """Seconds from the first call of the build that is over to the end of its last, and its calls."""
        async with self._session.get(f"{self.url}/build") as response:
            found = json.loads(await response.read())
        return found["wall_s"], found["calls"]


@asynccontextmanager
async def paced_ollama(ttft_s: float, tokens_per_s: float, slots: int) -> AsyncIterator[PacedOllama]:
    """One that serves, and is gone when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__))),
        *(str(number) for number in (ttft_s, tokens_per_s, slots)),
        stdin=PIPE,
        stdout=PIPE,
    )
    if process.stdin is None or process.stdout is None:
        raise ValueError("it is spoken to through its pipes")
    timeout = aiohttp.ClientTimeout(total=_STOP_TIMEOUT_S)
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            port = int(await process.stdout.readline())
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield PacedOllama(f"http://127.0.0.1:{port}", session)
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(_main(float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))
