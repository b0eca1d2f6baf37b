"""A simulated Ollama with known slots and a known law of throughput, on a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

__all__ = ["PacedServer", "Slowdown", "as_fast", "paced_server", "shared"]

Slowdown = Callable[[int], float]
"""By how much a token takes longer where so many answers are generated at once."""

UNLIMITED = 10_000


def as_fast(at_once: int) -> float:
    """Nothing slows down: the throughput grows with the answers."""
    return 1.0


def shared(at_once: int) -> float:
    """One answer keeps the processor busy: the throughput is the same however many there are."""
    return float(at_once)


@dataclass
class PacedServer:
    """How it behaves, and what it was asked; `prompt_s` is taken by one prompt after another."""

    slots: int = UNLIMITED
    slowdown: Slowdown = as_fast
    ttft_s: float = 0.004
    token_s: float = 0.002
    prompt_s: float = 0.0
    prompt_token_s: float = 0.0
    refuses_above: int = UNLIMITED
    hangs_at: int = UNLIMITED
    pieces: int = 8
    models: tuple[str, ...] = ("llama3.1:latest",)
    context: int = 4096
    url: str = ""
    asked: list[dict[str, object]] = field(default_factory=list)
    inside: int = 0
    generating: int = 0

    def __post_init__(self) -> None:
        self._free = asyncio.Semaphore(self.slots)
        self._prompts = asyncio.Lock()

    async def chat(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.asked.append(asked)
        self.inside += 1
        try:
            if self.inside > self.refuses_above:
                return web.json_response({"error": "server busy, please try again"}, status=503)
            if self.inside >= self.hangs_at:
                await asyncio.Event().wait()
            async with self._free:
                return await self._answer(request, asked)
        finally:
            self.inside -= 1

    async def _answer(self, request: web.Request, asked: dict[str, object]) -> web.StreamResponse:
        words = len(str(asked["messages"]).split())
        tokens = asked["options"]["num_predict"]  # type: ignore[index]
        loop = asyncio.get_running_loop()
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        if self.prompt_s:
            async with self._prompts:
                await asyncio.sleep(self.prompt_s)
        self.generating += 1
        try:
            # Every moment counts from the begin, so that a busy machine delays and does not slow down.
            at_s = loop.time() + self.ttft_s + words * self.prompt_token_s
            each = max(tokens // self.pieces, 1)
            for piece in range(tokens // each):
                await asyncio.sleep(at_s - loop.time())
                await response.write(_line("word " * each))
                at_s += each * self.token_s * self.slowdown(self.generating)
                del piece
        finally:
            self.generating -= 1
        await response.write(_line("", done=True, eval_count=tokens, prompt_eval_count=words))
        return response

    async def version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "0.12.3"})

    async def tags(self, request: web.Request) -> web.Response:
        return web.json_response({"models": [{"name": name, "model": name} for name in self.models]})

    async def ps(self, request: web.Request) -> web.Response:
        return web.json_response({"models": [{"name": self.models[0], "context_length": self.context}]})

    async def show(self, request: web.Request) -> web.Response:
        return web.json_response({"model_info": {"llama.context_length": 131072}, "parameters": ""})


def _line(text: str, **fields: object) -> bytes:
    message = {"role": "assistant", "content": text}
    return json.dumps({"model": "m", "message": message, "done": False, **fields}).encode() + b"\n"


@asynccontextmanager
async def paced_server(server: PacedServer) -> AsyncIterator[PacedServer]:
    """`server`, which listens on a free port until the block is left."""
    app = web.Application()
    app.router.add_post("/api/chat", server.chat)
    app.router.add_get("/api/version", server.version)
    app.router.add_get("/api/tags", server.tags)
    app.router.add_get("/api/ps", server.ps)
    app.router.add_post("/api/show", server.show)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        server.url = f"http://127.0.0.1:{site.port}"
        yield server
    finally:
        await runner.cleanup()
