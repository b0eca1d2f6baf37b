"""The control API: how the owner of a gateway opens, times and ends runs. Engines hold no token for it."""

from __future__ import annotations

import asyncio
import hmac

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from harness.gateway.control_requests import OpenRun, authorization
from harness.gateway.errors import Refusal
from harness.gateway.journal import CallJournal
from harness.gateway.run import Run, Runs

__all__ = ["control_app"]


def control_app(runs: Runs, token: str) -> web.Application:
    """The control API, for whoever holds the token."""
    expected = authorization(token)["Authorization"].encode()

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, expected):
            raise Refusal(403, "the control API is not for engines")
        return await handler(request)

    control = _Control(runs)
    app = web.Application(middlewares=[guard])
    app.router.add_post("/runs", control.open)
    app.router.add_post("/runs/{run}/begin", control.begin)
    app.router.add_post("/runs/{run}/end", control.end)
    app.router.add_get("/runs/{run}/calls", control.calls)
    app.router.add_delete("/runs/{run}/calls", control.forget)
    app.router.add_get("/runs/{run}/progress", control.progress)
    return app


class _Control:
    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def open(self, request: web.Request) -> web.Response:
        try:
            wanted = OpenRun.model_validate_json(await request.read())
        except ValidationError as problem:
            raise Refusal(400, f"not a run to open: {problem.errors()[0]['msg']}") from problem
        journal = await asyncio.to_thread(CallJournal.open, wanted.journal) if wanted.journal else None
        try:
            self._runs.open(wanted.id, wanted.slots, wanted.cassette, journal=journal)
        except Refusal:
            if journal is not None:
                await journal.close()
            raise
        return web.Response(status=201)

    async def begin(self, request: web.Request) -> web.Response:
        self._run(request).begin()
        return web.Response(status=204)

    async def end(self, request: web.Request) -> web.Response:
        marks = await self._run(request).end()
        return web.json_response(text=marks.model_dump_json())

    async def calls(self, request: web.Request) -> web.StreamResponse:
        run = self._run(request)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for record in run.records():
            await response.write(record.model_dump_json().encode() + b"\n")
            # A run has megabytes of records: in between, the calls of other runs have their turn.
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    async def forget(self, request: web.Request) -> web.Response:
        self._run(request).forget()
        return web.Response(status=204)

    async def progress(self, request: web.Request) -> web.Response:
        return web.json_response(text=self._run(request).progress().model_dump_json())

    def _run(self, request: web.Request) -> Run:
        return self._runs[request.match_info["run"]]
