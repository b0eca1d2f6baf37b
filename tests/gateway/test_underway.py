"""A call under way whose caller goes away: whether it had been told the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from harness.gateway.calls import CallRecord
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.underway import CallUnderWay
from harness.gateway.upstream import NDJSON_HEADERS, Reply
from tests.gateway.manual_clock import ManualClock
from tests.gateway.scripted_ollama import LAST, line
from tests.gateway.served import question


async def _endless() -> AsyncGenerator[bytes, None]:
    """An answer that is whole, on a connection that does not end."""
    yield line("Hel")
    yield line("lo") + LAST
    await asyncio.Event().wait()


async def _abandoned(takes: int, *, and_waits: bool) -> CallRecord:
    """The record of a call whose caller goes away with so many chunks, or while it waits for the next."""
    clock = ManualClock()
    call = CallUnderWay(1, CanonicalRequest.from_payload(question()), True, clock, clock.now_s())
    chunks = call.noting(Reply(200, NDJSON_HEADERS, _endless())).chunks
    for _ in range(takes):
        await anext(chunks)
    if and_waits:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(chunks), 0.01)
    await chunks.aclose()
    call.abandon()
    call.end_s = clock.now_s()
    return call.record("run", 0.0)


async def test_a_caller_that_was_told_the_end_may_go() -> None:
    record = await _abandoned(2, and_waits=True)
    assert (record.status, record.error, record.response) == (200, None, "Hello")
    assert (record.output_tokens, record.done_reason) == (2, "stop")


async def test_a_caller_that_goes_while_the_end_is_on_its_way_to_it_was_not_told() -> None:
    record = await _abandoned(2, and_waits=False)
    assert (record.status, record.error, record.response) == (499, "the client went away", "Hello")


async def test_a_caller_that_goes_in_mid_stream_leaves_the_text_that_came() -> None:
    record = await _abandoned(1, and_waits=False)
    assert (record.status, record.error, record.response) == (499, "the client went away", "Hel")
