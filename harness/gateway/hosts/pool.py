"""A pool of hosts as one upstream."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from http import HTTPStatus

from harness.gateway.clock import Clock
from harness.gateway.errors import NoHostLeft, OllamaUnreachable, UpstreamError, UpstreamUnreachable
from harness.gateway.hosts.host import Host, HostState, Lease
from harness.gateway.hosts.line import Line, Wish
from harness.gateway.hosts.outages import OutageLog
from harness.gateway.hosts.pace import output_tokens
from harness.gateway.inquiry import ask_ollama
from harness.gateway.live import LiveUpstream
from harness.gateway.settings import PoolSettings
from harness.gateway.upstream import ModelCall, OtherCall, Reply

__all__ = ["PoolUpstream"]

_PROBE_TIMEOUT_S = 5.0
_TAIL_BYTES = 1024
_DONE = re.compile(rb'"done"\s*:\s*true')


class PoolUpstream:
    """Several hosts of a model. A call goes to the one with the least expected wait; where that fails before
    the first byte of its answer, at once to another, and its caller sees nothing of it.

    A host is left out after one connection that failed, or three errors in a row. It is asked from time to
    time whether it is back, and is when a call on trial was answered whole.
    """

    passes_on = True

    def __init__(
        self,
        hosts: Sequence[Host],
        patience_s: float,
        clock: Clock,
        outages: OutageLog,
    ) -> None:
        self._hosts = tuple(hosts)
        self._line = Line(hosts, patience_s)
        self._clock = clock
        self._outages = outages
        self._probing: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, settings: PoolSettings, clock: Clock, outages: OutageLog
    ) -> AsyncIterator[PoolUpstream]:
        """A pool of the hosts in `settings`; those of which nothing is known are out, and are asked."""
        async with AsyncExitStack() as stack:
            hosts = [
                Host(
                    each.url,
                    each.slots,
                    await stack.enter_async_context(
                        LiveUpstream.connected(each.url, settings.upstream_timeout_s)
                    ),
                    each.facts,
                )
                for each in settings.hosts
            ]
            pool = cls(hosts, settings.upstream_timeout_s, clock, outages)
            stack.push_async_callback(pool._stop_probing)
            for host in hosts:
                if host.facts is None:
                    host.leave_out()
                    pool._left_out(host, f"no Ollama answers at {host.url}")
            yield pool

    async def _stop_probing(self) -> None:
        probes = tuple(self._probing)
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        """Let one of the hosts answer; the reply says which, and since when."""
        async with AsyncExitStack() as held:
            yield await self._begun(call, held)

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        """Ask the first host that answers; what has a body is sent to one only."""
        usable = [host for host in self._hosts if host.state is not HostState.OUT] or [*self._hosts]
        async with AsyncExitStack() as held:
            for host in usable:
                try:
                    reply = await held.enter_async_context(host.upstream.other(call))
                except UpstreamUnreachable:
                    if call.body is not None or host is usable[-1]:
                        raise
                else:
                    yield reply
                    return

    async def _begun(self, call: ModelCall, held: AsyncExitStack) -> Reply:
        """The reply of the first host that begins one; `held` then holds what is to be given back."""
        wanted = self._hosts[call.host] if call.host is not None and call.host < len(self._hosts) else None
        wish = Wish(call.request.model, wanted)
        moved: list[str] = []
        answered: UpstreamError | None = None
        while True:
            async with AsyncExitStack() as attempt:
                try:
                    lease = await self._line.lease(wish)
                except NoHostLeft as problem:
                    raise _with_history(problem, moved) from problem
                attempt.callback(self._line.give_back, lease)
                host = lease.host
                granted_s = self._clock.now_s()
                reply: Reply | None = None
                failed: UpstreamError | None
                try:
                    reply = await attempt.enter_async_context(host.upstream.answer(call))
                    attempt.push_async_callback(reply.chunks.aclose)
                    first = await anext(reply.chunks, b"")
                    failed = _failure(reply, first, host.url)
                except UpstreamError as problem:
                    reply, first, failed = None, b"", problem
                if failed is not None:
                    lost = isinstance(failed, UpstreamUnreachable)
                    self._went_wrong(lease, failed.message, lost=lost)
                    if not lost:
                        wish.refused.add(host)
                        answered = failed
                    moved.append(failed.message)
                if reply is not None and (failed is None or not self._line.has_host_in(wish)):
                    chunks = self._passed(reply, first, lease, granted_s, judged=failed is not None)
                    await held.enter_async_context(attempt.pop_all())
                    before = tuple(moved if failed is None else moved[:-1])
                    return replace(
                        reply, chunks=chunks, host=host.url, granted_s=granted_s, moved_from=before
                    )
            # Without an answer from anybody a host that is out is waited for; an error is an answer.
            if answered is not None and not self._line.has_host_in(wish):
                raise answered
            wish.again = True

    async def _passed(
        self, reply: Reply, first: bytes, lease: Lease, granted_s: float, *, judged: bool
    ) -> AsyncGenerator[bytes, None]:
        """The answer as it comes; how it ends says how the host does, unless that is `judged` already."""
        before, last = b"", first
        try:
            async with aclosing(reply.chunks) as chunks:
                if first:
                    yield first
                async for chunk in chunks:
                    before, last = last, chunk
                    yield chunk
        except UpstreamError as problem:
            if not judged:
                self._went_wrong(lease, problem.message, lost=False)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            # A caller that has read the last line may hang up before the end has been seen here.
            if not judged and _DONE.search(_tail(before, last)):
                self._went_well(lease)
            raise
        if judged:
            return
        if reply.status == HTTPStatus.OK:
            # To refuse a request takes no time worth knowing.
            tokens = output_tokens(_tail(before, last))
            lease.host.pace.note(self._clock.now_s() - granted_s, tokens)
        self._went_well(lease)

    def _went_well(self, lease: Lease) -> None:
        if lease.host.went_well(lease):
            self._outages.back(lease.host.url, self._clock.now_s())
            self._line.serve()

    def _went_wrong(self, lease: Lease, reason: str, *, lost: bool) -> None:
        if lease.host.went_wrong(lease, lost=lost):
            self._left_out(lease.host, reason)

    def _left_out(self, host: Host, reason: str) -> None:
        self._outages.left_out(host.url, self._clock.now_s(), reason)
        probe = asyncio.create_task(self._probe(host))
        self._probing.add(probe)
        probe.add_done_callback(self._probing.discard)
        self._line.serve()

    async def _probe(self, host: Host) -> None:
        """Ask `host` until it answers."""
        while True:
            await self._clock.sleep_until(self._clock.now_s() + host.next_probe_s())
            try:
                facts = await ask_ollama(host.url, _PROBE_TIMEOUT_S)
            except OllamaUnreachable:
                continue
            host.try_again(facts)
            self._line.serve()
            return


def _with_history(problem: NoHostLeft, moved: Sequence[str]) -> NoHostLeft:
    return NoHostLeft(f"{problem.message} ({moved[-1]})") if moved else problem


def _tail(before: bytes, last: bytes) -> bytes:
    return before[-_TAIL_BYTES:] + last[-_TAIL_BYTES:]


def _failure(reply: Reply, body: bytes, url: str) -> UpstreamError | None:
    """What the host says of itself; None where it answered, or refused what any other would refuse (4xx)."""
    if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    error = told.get("error") if isinstance(told, dict) else None
    said = f": {error}" if isinstance(error, str) else ""
    return UpstreamError(reply.status, f"Ollama at {url} answered {reply.status}{said}")
