"""A call under way: what is noted of it from its arrival until its record is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from harness.gateway.answer import AnswerReader
from harness.gateway.calls import CLIENT_GONE, CallRecord
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.clock import Clock
from harness.gateway.lane import lane_of
from harness.gateway.upstream import Missed, Replayed, Reply

__all__ = ["CallUnderWay"]


@dataclass(slots=True, eq=False)
class CallUnderWay:
    """One call; times are those of the gateway's clock, `scope` is what gives the call up."""

    number: int
    request: CanonicalRequest
    stream: bool
    clock: Clock
    arrival_s: float
    scope: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    granted_s: float | None = None
    first_byte_s: float | None = None
    end_s: float | None = None
    status: int | None = None
    error: str | None = None
    answer: AnswerReader | None = None
    told_end: bool | None = None
    """Whether the caller was sent the line that says it is the last; None: whether that line came."""
    fault: str | None = None
    origin: Replayed | Missed | None = None
    host: str | None = None
    moved_from: tuple[str, ...] = ()

    def noting(self, reply: Reply) -> Reply:
        """`reply`, read for the record as it goes by: each chunk after whoever takes it has dealt with it."""
        self.status = reply.status
        self.fault = reply.fault
        self.origin = reply.origin
        self.host = reply.host
        self.moved_from = reply.moved_from
        if reply.granted_s is not None:
            # Until then it waited: for a slot of any host, or at one that did not answer.
            self.granted_s = reply.granted_s
        self.answer = AnswerReader(self.stream, reply.status, self.request.endpoint)
        return replace(reply, chunks=self._noted(reply.chunks, self.answer))

    async def _noted(
        self, chunks: AsyncGenerator[bytes, None], answer: AnswerReader
    ) -> AsyncGenerator[bytes, None]:
        async with aclosing(chunks):
            async for chunk in chunks:
                if self.first_byte_s is None:
                    self.first_byte_s = self.clock.now_s()
                dealt_with = False
                try:
                    yield chunk
                    dealt_with = True
                finally:
                    if not dealt_with:
                        self.told_end = _ended(answer)
                    answer.feed(chunk)
        answer.close()

    @property
    def problem(self) -> str | None:
        """Why no whole answer came, as far as is known."""
        return self.error or (self.answer.error if self.answer else None)

    def fail(self, status: int, reason: str) -> None:
        """Take note that no whole answer came; a status that is already on its way to the caller stays."""
        if self.first_byte_s is None:
            self.status = status
        self.error = reason

    def abandon(self) -> None:
        """Take note that the caller went away; one that was told the end need not wait for more."""
        told_end = self.told_end
        if told_end is None:
            told_end = self.answer is not None and _ended(self.answer)
        if told_end:
            return
        self.status = CLIENT_GONE
        self.error = "the client went away"

    def record(self, run: str, began_s: float) -> CallRecord:
        """The record of this call, which is over, in a run that began at `began_s`."""
        if self.end_s is None or self.status is None:
            raise ValueError(f"call {self.number} of run {run!r} is still under way")
        lane = lane_of(self.request)
        answer = self.answer or AnswerReader(self.stream, self.status, self.request.endpoint)
        answer.read_on()
        origin = self.origin
        return CallRecord(
            run=run,
            number=self.number,
            endpoint=self.request.endpoint.value,
            model=self.request.model,
            stream=self.stream,
            role=lane.role,
            module=lane.module,
            attempt=lane.attempt,
            request_hash=self.request.hash,
            request=self.request,
            response=answer.text,
            arrival_s=self.arrival_s - began_s,
            granted_s=_since(began_s, self.granted_s),
            first_byte_s=_since(began_s, self.first_byte_s),
            end_s=self.end_s - began_s,
            prompt_tokens=answer.prompt_tokens,
            output_tokens=answer.output_tokens,
            load_s=answer.load_s,
            prompt_eval_s=answer.prompt_eval_s,
            eval_s=answer.eval_s,
            status=self.status,
            error=self.problem,
            done_reason=answer.done_reason,
            fault=self.fault,
            cassette_line=origin.line if origin else None,
            repeated_answer=isinstance(origin, Replayed) and origin.repeated,
            not_recorded=isinstance(origin, Missed),
            nearest_request=origin.nearest if isinstance(origin, Missed) else None,
            host=self.host,
            moved_from=self.moved_from,
        )


def _ended(answer: AnswerReader) -> bool:
    answer.read_on()
    return answer.done


def _since(began_s: float, when_s: float | None) -> float | None:
    return None if when_s is None else when_s - began_s
