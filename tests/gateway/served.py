"""A gateway that serves inside the test's own process, with what tests do to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import ollama

from harness.gateway.calls import CallRecord, RunMarks, RunProgress
from harness.gateway.clock import Clock
from harness.gateway.control_requests import authorization
from harness.gateway.server import serving
from harness.gateway.upstream import Upstream
from tests.gateway.client_asks import TLS

TOKEN = "a token that no engine knows"  # noqa: S105
RUN = "run-1"


@dataclass
class Served:
    """A gateway on a real socket, with run `RUN` open."""

    port: int
    session: aiohttp.ClientSession
    _clients: AsyncExitStack

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def host(self, run: str = RUN) -> str:
        """The `OLLAMA_HOST` of a run."""
        return f"{self.url}/r/{run}"

    async def client(self, run: str = RUN) -> ollama.AsyncClient:
        """A client of a run, closed when the gateway is."""
        client = ollama.AsyncClient(self.host(run), trust_env=False, verify=TLS)
        return await self._clients.enter_async_context(client)

    def post(self, body: object, run: str = RUN) -> Any:
        """A raw chat request, to be used with `async with`."""
        return self.session.post(f"{self.host(run)}/api/chat", json=body)

    def control(self, method: str, path: str, body: object = None) -> Any:
        """A control request, to be used with `async with`."""
        return self.session.request(
            method, f"{self.url}/control/runs{path}", json=body, headers=authorization(TOKEN)
        )

    async def open(self, run: str, slots: int = 1, cassette: str = "") -> None:
        wanted = {"id": run, "slots": slots, "cassette": cassette}
        async with self.control("POST", "", wanted) as response:
            assert response.status == 201

    async def begin(self, run: str = RUN) -> None:
        async with self.control("POST", f"/{run}/begin") as response:
            assert response.status == 204

    async def end(self, run: str = RUN) -> RunMarks:
        async with self.control("POST", f"/{run}/end") as response:
            return RunMarks.model_validate_json(await response.read())

    async def calls(self, run: str = RUN) -> list[CallRecord]:
        async with self.control("GET", f"/{run}/calls") as response:
            return [CallRecord.model_validate_json(entry) for entry in (await response.read()).splitlines()]

    async def progress(self, run: str = RUN) -> RunProgress:
        async with self.control("GET", f"/{run}/progress") as response:
            return RunProgress.model_validate_json(await response.read())

    async def queued(self, count: int) -> None:
        """Return when so many calls of `RUN` wait for a slot."""
        async with asyncio.timeout(10):
            while (await self.progress()).queued != count:  # noqa: ASYNC110 - a gateway tells when it is asked
                await asyncio.sleep(0.001)


@asynccontextmanager
async def served(upstream: Upstream, clock: Clock, slots: int = 1) -> AsyncIterator[Served]:
    """A gateway before `upstream` with run `RUN` open on `slots` slots."""
    async with (
        serving(upstream, clock, TOKEN) as port,
        aiohttp.ClientSession() as session,
        AsyncExitStack() as clients,
    ):
        gateway = Served(port, session, clients)
        await gateway.open(RUN, slots)
        yield gateway


def question(text: str = "Why?", **fields: object) -> dict[str, Any]:
    """The body of a chat request."""
    return {"model": "m", "messages": [{"role": "user", "content": text}], **fields}
