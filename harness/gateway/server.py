"""The gateway's server: the Ollama API under `/r/<run>`, the control API under `/control`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Handler

from harness.gateway.canonical import CanonicalRequest, Endpoint, decode, wants_stream
from harness.gateway.clock import Clock
from harness.gateway.control import control_app
from harness.gateway.delivery import Delivery, refusal_response
from harness.gateway.errors import GatewayStartError, MalformedRequest, Refusal, RunEnded
from harness.gateway.hosts.outages import OutageLog
from harness.gateway.run import Run, Runs
from harness.gateway.settings import LOOPBACK
from harness.gateway.upstream import ModelCall, OtherCall, Upstream, in_one_piece

__all__ = ["serving", "serving_alone"]


_MAX_BODY_BYTES = 64 * 1024 * 1024
_LARGE_BODY_BYTES = 256 * 1024
_BACKLOG = 1024
_SHUTDOWN_TIMEOUT_S = 1.0


@asynccontextmanager
async def serving(
    upstream: Upstream,
    clock: Clock,
    token: str,
    outages: OutageLog | None = None,
    address: str = LOOPBACK,
    port: int = 0,
) -> AsyncIterator[int]:
    """A gateway before `upstream`, on `port` of `address`, 0 a free one; yields the port.

    Raises `GatewayStartError` where it cannot listen there.
    """
    runs = Runs(clock, outages)
    app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[_refusals])
    app.add_subapp("/control", control_app(runs, token))
    api = _OllamaApi(runs, upstream)
    for endpoint in Endpoint:
        app.router.add_post(f"/r/{{run}}{endpoint}", partial(api.model, endpoint))
        # Of several hosts, the caller has a slot of this one.
        app.router.add_post(f"/r/{{run}}/host/{{host:[0-9]+}}{endpoint}", partial(api.model, endpoint))
    app.router.add_get("/r/{run}/hosts/out", partial(_hosts_out, outages or OutageLog()))
    app.router.add_route("*", "/r/{run}/{path:.*}", api.other)
    async with _listening(app, runs, address, port) as listening:
        yield listening


@asynccontextmanager
async def serving_alone(upstream: Upstream, runs: Runs, run: str, host: str, port: int) -> AsyncIterator[int]:
    """A gateway that serves one run, without prefix and control, as an Ollama would; yields the port.

    Raises `GatewayStartError` where it cannot listen there.
    """
    app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[_refusals])
    api = _OllamaApi(runs, upstream, run)
    app.router.add_get("/", _running)
    for endpoint in Endpoint:
        app.router.add_post(endpoint, partial(api.model, endpoint))
        app.router.add_post(f"/host/{{host:[0-9]+}}{endpoint}", partial(api.model, endpoint))
    app.router.add_route("*", "/{path:.*}", api.other)
    async with _listening(app, runs, host, port) as listening:
        yield listening


async def _hosts_out(outages: OutageLog, request: web.Request) -> web.Response:
    """Which of several hosts are left out now, as a list of URLs."""
    return web.json_response(outages.now_out)


async def _running(request: web.Request) -> web.Response:
    return web.Response(text="Ollama is running")


@asynccontextmanager
async def _listening(app: web.Application, runs: Runs, host: str, port: int) -> AsyncIterator[int]:
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        handler_cancellation=True,
        shutdown_timeout=_SHUTDOWN_TIMEOUT_S,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=_BACKLOG)
        try:
            await site.start()
        except OSError as problem:
            reason = problem.strerror or problem
            raise GatewayStartError(f"cannot listen on {host}:{port}: {reason}") from problem
        yield site.port
    finally:
        try:
            await runs.end_all()
        finally:
            await runner.cleanup()


class _OllamaApi:
    """The API for the run that is named in the path or, where there is one, for `only_run`."""

    def __init__(self, runs: Runs, upstream: Upstream, only_run: str | None = None) -> None:
        self._runs = runs
        self._upstream = upstream
        self._only_run = only_run

    async def model(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        run = self._run(request)
        body = await request.read()
        try:
            if len(body) > _LARGE_BODY_BYTES:
                # Takes up to half a second: in a thread, so that the chunks of other calls keep their times.
                canonical, stream = await asyncio.to_thread(_understood, body, endpoint)
            else:
                canonical, stream = _understood(body, endpoint)
        except MalformedRequest:
            run.malformed += 1
            if not self._upstream.passes_on:
                raise
            return await self._pass_on(request, in_one_piece(body))
        place = request.match_info.get("host")
        host = None if place is None else int(place)
        asked = ModelCall(canonical, stream, body, request.headers, run.id, run.cassette, host)
        delivery = Delivery(request)
        try:
            async with (
                run.call(canonical, stream) as call,
                self._upstream.answer(asked) as reply,
            ):
                return await delivery.pass_on(call.noting(reply))
        except Refusal as refusal:
            return delivery.break_off(refusal)

    async def other(self, request: web.Request) -> web.StreamResponse:
        self._run(request).other_requests += 1
        return await self._pass_on(request, request.content.iter_any() if request.can_read_body else None)

    async def _pass_on(self, request: web.Request, body: AsyncIterator[bytes] | None) -> web.StreamResponse:
        call = OtherCall(request.method, self._target(request), body, request.headers)
        delivery = Delivery(request)
        try:
            async with self._upstream.other(call) as reply:
                return await delivery.pass_on(reply)
        except Refusal as refusal:
            return delivery.break_off(refusal)

    def _target(self, request: web.Request) -> str:
        path = request.rel_url.raw_path_qs
        return path if self._only_run else "/" + path.split("/", 3)[3]

    def _run(self, request: web.Request) -> Run:
        run = self._runs[self._only_run or request.match_info["run"]]
        if run.ended:
            raise RunEnded(run.id)
        return run


def _understood(body: bytes, endpoint: Endpoint) -> tuple[CanonicalRequest, bool]:
    """What a request body asks for, and whether it is to be streamed; raises `MalformedRequest`."""
    payload = decode(body)
    return CanonicalRequest.from_payload(payload, endpoint), wants_stream(payload, endpoint)


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return refusal_response(refusal)
    except web.HTTPError as error:
        return refusal_response(Refusal(error.status, f"{error.reason}: {request.method} {request.path}"))
