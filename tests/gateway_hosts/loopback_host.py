"""A simulated host on a real socket: it does what a test tells it to, dies and comes back at its address."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.gateway.scripted_ollama import LAST, Exchange, Script, ScriptedOllama, line

NDJSON = "Content-Type: application/x-ndjson"


class LoopbackHost(ScriptedOllama):
    """An Ollama with one model, which answers calls by `chat`; counts those under way."""

    def __init__(self, models: tuple[str, ...] = ("m:latest",)) -> None:
        self._listening = _bound(0)
        super().__init__(self._listening.getsockname()[1])
        self.models = models
        self.chat: Script = answering
        self.script = self._answer
        self.under_way = 0
        self.most_under_way = 0
        self.asked = 0
        self.probed = 0
        self.digest = "46e0c10c039e"
        self.version = "0.12.0"
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, again where it did before."""
        self._server = await asyncio.start_server(self._accept, sock=self._listening)

    async def die(self) -> None:
        """Break all connections off and refuse new ones; the address stays taken."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._listening.close()
            self._listening = _bound(self.port)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Die, and leave the address to others."""
        await self.die()
        self._listening.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            # It had been accepted in the moment of death.
            writer.close()
            return
        task = asyncio.ensure_future(self.serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before it began closes nothing.
        task.add_done_callback(lambda _: writer.close())

    async def _answer(self, exchange: Exchange) -> None:
        match exchange.target:
            case "/api/version":
                self.probed += 1
                await exchange.whole(200, {"version": self.version})
            case "/api/tags":
                await exchange.whole(
                    200, {"models": [{"name": name, "digest": self.digest} for name in self.models]}
                )
            case _:
                self.asked += 1
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                try:
                    await self.chat(exchange)
                finally:
                    self.under_way -= 1


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", port))
    found.setblocking(False)
    return found


async def answering(exchange: Exchange) -> None:
    """Answer in order, streamed or whole as it was asked for."""
    if json.loads(exchange.body).get("stream", True):
        await exchange.head(200, NDJSON)
        await exchange.chunk(line("Because"))
        await exchange.chunk(LAST)
        await exchange.end()
    else:
        await exchange.whole(200, line("Because", done=True, eval_count=1))


async def cutting(exchange: Exchange) -> None:
    """Begin an answer, and break off."""
    await exchange.head(200, NDJSON)
    await exchange.chunk(line("Bec"))


def refusing(status: int) -> Script:
    """Answer with an error."""

    async def script(exchange: Exchange) -> None:
        await exchange.whole(status, {"error": "server busy"})

    return script


@asynccontextmanager
async def loopback_hosts(count: int) -> AsyncIterator[list[LoopbackHost]]:
    """So many hosts, listening."""
    hosts = [LoopbackHost() for _ in range(count)]
    try:
        for host in hosts:
            await host.start()
        yield hosts
    finally:
        for host in hosts:
            await host.close()
