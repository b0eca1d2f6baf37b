"""An upstream that goes wrong where its rules say so."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from harness.gateway.answer import ENDED_EARLY, with_text
from harness.gateway.canonical import Endpoint
from harness.gateway.clock import Clock
from harness.gateway.errors import UpstreamCut
from harness.gateway.faults.rule import FaultKind, FaultRule
from harness.gateway.lane import lane_of
from harness.gateway.upstream import (
    JSON_HEADERS,
    NDJSON_HEADERS,
    ModelCall,
    OtherCall,
    Reply,
    Upstream,
    in_one_piece,
    json_line,
)

__all__ = ["FaultyUpstream"]

_RUNS_REMEMBERED = 64
_BUSY = "server busy, please try again.  maximum pending requests exceeded"
_GARBAGE = b"<html><body>injected fault: this is not JSON</body></html>\n"
_DIGEST_BYTES = 8
_DIGESTS = 1 << 8 * _DIGEST_BYTES

_Arrivals = asyncio.Queue[tuple[float, bytes | Exception | None]]
"""(moment, chunk) as they came; an error or None is the end."""


@dataclass(slots=True)
class _Tally:
    """What has been counted in one run."""

    came: Counter[str] = field(default_factory=Counter)
    """How often each request came, by its hash."""
    acted: Counter[tuple[int, str, str | None]] = field(default_factory=Counter)
    """How often each rule, by its place, acted for a role and a module."""


class FaultyUpstream:
    """`upstream`, with the calls to the model spoilt that one of `rules` is for.

    The first rule acts whose conditions all hold; one whose `times` are used up or whose `p` spares the call
    leaves it to the rules after it. Which calls `p` picks depends on the requests and not on their order.
    Counts are kept for the last 64 runs that made calls: a gateway that outlives its runs stays small.
    """

    def __init__(self, upstream: Upstream, rules: Sequence[FaultRule], clock: Clock) -> None:
        self._upstream = upstream
        self._rules = tuple(rules)
        self._clock = clock
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()

    @property
    def passes_on(self) -> bool:
        """As what is behind it does."""
        return self._upstream.passes_on

    def answer(self, call: ModelCall) -> AbstractAsyncContextManager[Reply]:
        """Answer a request to the model, or do to it what a rule says."""
        rule = self._rule_for(call)
        if rule is None:
            return self._upstream.answer(call)
        match rule.kind:
            case FaultKind.CUT:
                return self._cut(call, rule)
            case FaultKind.SLOW:
                return self._slow(call, rule, rule.factor or 1.0)
            case FaultKind.ERROR:
                return _refused(rule, HTTPStatus.INTERNAL_SERVER_ERROR, f"injected fault: {rule}")
            case FaultKind.BUSY:
                return _refused(rule, HTTPStatus.SERVICE_UNAVAILABLE, _BUSY)
            case FaultKind.HANG:
                return _made_up(rule, call, _never())
            case FaultKind.GARBAGE:
                return _made_up(rule, call, in_one_piece(_GARBAGE))
            case FaultKind.EMPTY:
                return _made_up(rule, call, in_one_piece(self._empty(call)))

    def other(self, call: OtherCall) -> AbstractAsyncContextManager[Reply]:
        """Pass any other request on as it is."""
        return self._upstream.other(call)

    def _rule_for(self, call: ModelCall) -> FaultRule | None:
        tally = self._tally(call.run)
        tally.came[call.request.hash] += 1
        lane = lane_of(call.request)
        for place, rule in enumerate(self._rules):
            counted = (place, lane.role, lane.module)
            if (
                rule.fits(lane)
                and (rule.times is None or tally.acted[counted] < rule.times)
                and _picks(rule, call.request.hash, tally.came[call.request.hash])
            ):
                tally.acted[counted] += 1
                return rule
        return None

    def _tally(self, run: str) -> _Tally:
        tally = self._tallies.setdefault(run, _Tally())
        self._tallies.move_to_end(run)
        if len(self._tallies) > _RUNS_REMEMBERED:
            self._tallies.popitem(last=False)
        return tally

    def _empty(self, call: ModelCall) -> bytes:
        match call.request.endpoint:
            case Endpoint.EMBED:
                return json_line({"model": call.request.model, "embeddings": []})
            case Endpoint.EMBEDDINGS:
                return json_line({"embedding": []})
        return json_line(
            {
                "model": call.request.model,
                "created_at": self._clock.wall().isoformat().replace("+00:00", "Z"),
                **with_text("", call.request.endpoint),
                "done": True,
                "done_reason": "stop",
                "total_duration": 0,
                "load_duration": 0,
                "eval_count": 0,
                "eval_duration": 0,
            }
        )

    @asynccontextmanager
    async def _cut(self, call: ModelCall, rule: FaultRule) -> AsyncIterator[Reply]:
        async with self._upstream.answer(call) as reply:
            in_lines = call.stream and reply.status == HTTPStatus.OK
            half = _half_of_lines(reply.chunks) if in_lines else _half_of_bytes(reply.chunks)
            yield replace(reply, chunks=_broken_off(half, rule), fault=str(rule))

    @asynccontextmanager
    async def _slow(self, call: ModelCall, rule: FaultRule, factor: float) -> AsyncIterator[Reply]:
        granted_s = self._clock.now_s()
        async with self._upstream.answer(call) as reply:
            if reply.granted_s is not None:
                granted_s = reply.granted_s
            arrivals = _Arrivals()
            # Chunks are taken as they come, in a task of their own: a model that is asked for its next chunk
            # late would give it late, and the delays would multiply.
            listening = asyncio.create_task(self._listen(reply.chunks, arrivals))
            try:
                yield replace(reply, chunks=self._later(arrivals, granted_s, factor), fault=str(rule))
            finally:
                listening.cancel()
                await asyncio.wait([listening])

    async def _listen(self, chunks: AsyncGenerator[bytes, None], arrivals: _Arrivals) -> None:
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    arrivals.put_nowait((self._clock.now_s(), chunk))
        except Exception as problem:  # raised again where the answer is read
            arrivals.put_nowait((self._clock.now_s(), problem))
        else:
            arrivals.put_nowait((self._clock.now_s(), None))

    async def _later(
        self, arrivals: _Arrivals, granted_s: float, factor: float
    ) -> AsyncGenerator[bytes, None]:
        while True:
            came_s, came = await arrivals.get()
            await self._clock.sleep_until(granted_s + (came_s - granted_s) * factor)
            if came is None:
                return
            if isinstance(came, Exception):
                raise came
            yield came


def _picks(rule: FaultRule, request_hash: str, occurrence: int) -> bool:
    """Whether the probability of `rule` picks a request that comes for the how-manieth time (from 1)."""
    if rule.p is None:
        return True
    key = f"{rule.seed}\n{rule}\n{request_hash}\n{occurrence}"
    digest = hashlib.sha256(key.encode()).digest()[:_DIGEST_BYTES]
    share: float = int.from_bytes(digest) / _DIGESTS
    return share < rule.p


@asynccontextmanager
async def _refused(rule: FaultRule, status: HTTPStatus, message: str) -> AsyncIterator[Reply]:
    yield Reply.made(status, {"error": message}, fault=str(rule))


@asynccontextmanager
async def _made_up(
    rule: FaultRule, call: ModelCall, chunks: AsyncGenerator[bytes, None]
) -> AsyncIterator[Reply]:
    """An answer that no model gave."""
    yield Reply(HTTPStatus.OK, NDJSON_HEADERS if call.stream else JSON_HEADERS, chunks, fault=str(rule))


async def _never() -> AsyncGenerator[bytes, None]:
    await asyncio.Event().wait()
    yield b""


async def _broken_off(half: AsyncGenerator[bytes, None], rule: FaultRule) -> AsyncGenerator[bytes, None]:
    async with aclosing(half):
        async for piece in half:
            yield piece
    raise UpstreamCut(f"{ENDED_EARLY}: injected fault: {rule}")


async def _half_of_lines(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The first half of the lines of a stream: for every two that came one goes out, never the last.

    Of a stream of one line half of the line goes out.
    """
    held: list[bytes] = []
    sent = 0
    lines = _lines(chunks)
    async with aclosing(lines):
        async for line in lines:
            held.append(line)
            if len(held) > sent + 1:
                yield held.pop(0)
                sent += 1
    if sent == 0 and held:
        yield _half(held[0])


async def _lines(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The lines of a stream, wherever its chunks were cut, without those that are blank."""
    rest = b""
    async with aclosing(chunks):
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    yield line + b"\n"
    if rest.strip():
        yield rest


async def _half_of_bytes(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The first half of a body that is one object, and so of no use before it is whole."""
    async with aclosing(chunks):
        body = b"".join([chunk async for chunk in chunks])
    if body:
        yield _half(body)


def _half(data: bytes) -> bytes:
    return data[: max(1, len(data) // 2)]
