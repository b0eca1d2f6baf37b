from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.prompts import prompt
from agents.roles import Role, opening
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.errors import UpstreamCut, UpstreamUnreachable
from harness.gateway.faults import FaultyUpstream, parse_fault
from harness.gateway.simulate import Latency, SimulatedUpstream
from harness.gateway.upstream import ModelCall, OtherCall, Reply
from tests.gateway.manual_clock import ManualClock
from tests.gateway.scripted_ollama import LAST, line

TEXT = "one two three four five. " * 8
LATENCY = Latency(ttft_s=0.5, tokens_per_s=10)


class TimelyClock(ManualClock):
    """A clock that moves on to the next moment slept for when nobody has anything left to do before it."""

    def __init__(self) -> None:
        super().__init__()
        self._sleeping: list[float] = []

    async def sleep_until(self, when_s: float) -> None:
        self._sleeping.append(when_s)
        try:
            while self.now < when_s:
                for _ in range(50):
                    await asyncio.sleep(0)
                if min(self._sleeping) == when_s:
                    self.now = max(self.now, when_s)
        finally:
            self._sleeping.remove(when_s)


@dataclass
class Scripted:
    """An upstream that gives the same chunks to every call, and counts them."""

    chunks: list[bytes]
    status: int = 200
    problem: Exception | None = None
    calls: int = 0
    passes_on: bool = False
    closed: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def answer(self, call: ModelCall) -> AsyncIterator[Reply]:
        self.calls += 1
        try:
            yield Reply(self.status, {}, self._body())
        finally:
            self.closed.append("call")

    @asynccontextmanager
    async def other(self, call: OtherCall) -> AsyncIterator[Reply]:
        yield Reply(200, {}, self._body())

    async def _body(self) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in self.chunks:
                yield chunk
            if self.problem:
                raise self.problem
        finally:
            self.closed.append("body")


def call(
    text: str = "Why?",
    *,
    role: Role | None = None,
    module: str = "",
    attempt: int = 1,
    run: str = "run-1",
    stream: bool = True,
) -> ModelCall:
    asked = prompt([("Task", text), ("Module", f"name: {module}")]) if module else text
    messages = [{"role": "user", "content": asked}]
    if role:
        messages.insert(0, {"role": "system", "content": f"{opening(role)}."})
    for _ in range(attempt - 1):
        messages += [{"role": "assistant", "content": "no"}, {"role": "user", "content": "again"}]
    request = CanonicalRequest.from_payload({"model": "m", "messages": messages})
    return ModelCall(request, stream, b"", {}, run)


def faulty(*rules: str, clock: ManualClock | None = None, text: str = TEXT) -> FaultyUpstream:
    """The simulated model with faults."""
    clock = clock or ManualClock()
    simulated = SimulatedUpstream(lambda request: text, LATENCY, clock)
    return FaultyUpstream(simulated, [parse_fault(rule) for rule in rules], clock)


async def read(upstream: FaultyUpstream, asked: ModelCall) -> tuple[Reply, list[bytes]]:
    async with upstream.answer(asked) as reply:
        return reply, [chunk async for chunk in reply.chunks]


async def read_until_cut(upstream: FaultyUpstream, asked: ModelCall) -> list[bytes]:
    chunks: list[bytes] = []
    with pytest.raises(UpstreamCut, match="stream ended without done: injected fault: cut"):  # noqa: PT012 - the answer is read to its break
        async with upstream.answer(asked) as reply:
            assert reply.fault == "cut"
            async for chunk in reply.chunks:
                chunks.append(chunk)  # noqa: PERF401 - what came before the cut is looked at
    return chunks


async def hit(upstream: FaultyUpstream, asked: ModelCall) -> bool:
    return (await read(upstream, asked))[0].fault is not None


def lines(chunks: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(entry) for entry in b"".join(chunks).splitlines()]


async def test_a_call_that_no_rule_is_for_is_answered_as_ever() -> None:
    reply, chunks = await read(faulty("role=developer:500"), call(role=Role.REVIEWER))
    assert (reply.status, reply.fault) == (200, None)
    assert "".join(entry["message"]["content"] for entry in lines(chunks)) == TEXT


async def test_other_requests_pass() -> None:
    async with faulty("500").other(OtherCall("GET", "/api/version", None, {})) as reply:
        assert (reply.status, reply.fault) == (200, None)


@pytest.mark.parametrize(
    ("rule", "status", "error"),
    [
        ("role=developer:500", 500, "injected fault: role=developer:500"),
        ("503", 503, "server busy, please try again.  maximum pending requests exceeded"),
    ],
)
async def test_an_error_comes_at_once_and_without_the_model(rule: str, status: int, error: str) -> None:
    behind = Scripted([LAST])
    clock = ManualClock()
    reply, chunks = await read(FaultyUpstream(behind, [parse_fault(rule)], clock), call(role=Role.DEVELOPER))
    assert (reply.status, reply.fault) == (status, rule)
    assert lines(chunks) == [{"error": error}]
    assert (behind.calls, clock.now) == (0, ManualClock().now)


@pytest.mark.parametrize("stream", [True, False])
async def test_garbage_is_not_json(stream: bool) -> None:
    reply, chunks = await read(faulty("garbage"), call(stream=stream))
    assert (reply.status, reply.fault) == (200, "garbage")
    with pytest.raises(ValueError, match="Expecting value"):
        lines(chunks)


@pytest.mark.parametrize("stream", [True, False])
async def test_an_empty_answer_is_whole(stream: bool) -> None:
    reply, chunks = await read(faulty("empty"), call(stream=stream))
    (entry,) = lines(chunks)
    assert (reply.status, reply.fault) == (200, "empty")
    assert entry["message"] == {"role": "assistant", "content": ""}
    assert (entry["model"], entry["done"], entry["done_reason"]) == ("m", True, "stop")
    assert datetime.fromisoformat(entry["created_at"]).tzinfo == UTC


async def test_a_call_that_hangs_gets_nothing_until_it_is_given_up() -> None:
    waiting = asyncio.create_task(read(faulty("hang"), call()))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_stream_that_is_cut_loses_its_second_half() -> None:
    _, whole = await read(faulty(), call())
    chunks = await read_until_cut(faulty("cut"), call())
    assert len(chunks) == len(whole) // 2
    assert lines(chunks) == lines(whole)[: len(chunks)]


async def test_a_stream_that_is_to_be_cut_is_not_held_back() -> None:
    clock = ManualClock()
    async with faulty("cut", clock=clock).answer(call()) as reply, aclosing(reply.chunks) as chunks:
        began_s = clock.now
        assert lines([await anext(chunks)])[0]["message"]["content"] == "one"
        assert clock.now - began_s == pytest.approx(LATENCY.token_s(2))


@pytest.mark.parametrize("text", ["", "one", "one two"])
async def test_the_last_line_of_a_stream_that_is_cut_never_comes(text: str) -> None:
    chunks = b"".join(await read_until_cut(faulty("cut", text=text), call()))
    assert chunks
    assert b'"done": true' not in chunks.rpartition(b"\n")[0]
    assert not chunks.endswith(b"}\n") or b'"done": false' in chunks


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
async def test_lines_are_cut_alike_however_they_come(size: int) -> None:
    body = b"".join([line("a"), line("b"), line("c"), b"\n", line("d"), LAST, b"\n"])
    behind = Scripted([body[start : start + size] for start in range(0, len(body), size)])
    chunks = await read_until_cut(FaultyUpstream(behind, [parse_fault("cut")], ManualClock()), call())
    assert b"".join(chunks) == line("a") + line("b")
    assert behind.closed == ["body", "call"]


@pytest.mark.parametrize(("stream", "status"), [(False, 200), (True, 404)])
async def test_a_body_that_is_one_object_is_cut_in_its_middle(stream: bool, status: int) -> None:
    behind = Scripted([LAST[:10], LAST[10:]], status)
    upstream = FaultyUpstream(behind, [parse_fault("cut")], ManualClock())
    assert await read_until_cut(upstream, call(stream=stream)) == [LAST[: len(LAST) // 2]]


async def test_an_answer_without_a_body_is_cut_too() -> None:
    upstream = FaultyUpstream(Scripted([]), [parse_fault("cut")], ManualClock())
    assert await read_until_cut(upstream, call()) == []
    assert await read_until_cut(upstream, call(stream=False)) == []


async def arrivals(upstream: FaultyUpstream, clock: ManualClock, *, stream: bool) -> list[float]:
    began_s = clock.now
    async with upstream.answer(call(stream=stream)) as reply:
        return [clock.now - began_s async for _ in reply.chunks]


@pytest.mark.parametrize("stream", [True, False])
async def test_every_chunk_of_a_slow_answer_comes_so_many_times_as_late(stream: bool) -> None:
    clock, slow_clock = TimelyClock(), TimelyClock()
    usual = await arrivals(faulty(clock=clock), clock, stream=stream)
    slow = await arrivals(faulty("slow:2.5x", clock=slow_clock), slow_clock, stream=stream)
    assert slow == pytest.approx([2.5 * when_s for when_s in usual])


async def test_a_slow_answer_is_the_same_answer() -> None:
    _, usual = await read(faulty(), call())
    reply, slow = await read(faulty("slow:3x"), call())
    assert (reply.fault, slow) == ("slow:3x", usual)


async def test_what_breaks_a_slow_answer_is_passed_on_after_what_came_before() -> None:
    behind = Scripted([line("a")], problem=UpstreamUnreachable("gone"))
    chunks = []
    with pytest.raises(UpstreamUnreachable, match="gone"):  # noqa: PT012 - the answer is read to its break
        async with FaultyUpstream(behind, [parse_fault("slow:2x")], ManualClock()).answer(call()) as reply:
            async for chunk in reply.chunks:
                chunks.append(chunk)  # noqa: PERF401 - what came before the end is looked at
    assert chunks == [line("a")]


async def test_a_slow_answer_that_is_given_up_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(ValueError, match="given up"):  # noqa: PT012 - the answer is read to its break
        async with faulty("slow:2x").answer(call()) as reply, aclosing(reply.chunks) as chunks:
            await anext(chunks)
            raise ValueError("given up")
    assert asyncio.all_tasks() == before


async def test_the_first_rule_that_is_for_the_call_acts() -> None:
    upstream = faulty("role=reviewer:500", "module=Cart:503", "role=developer:garbage", "empty")
    asked = [
        call(role=Role.DEVELOPER, module="Cart"),
        call(role=Role.DEVELOPER, module="Stock"),
        call(role=Role.REVIEWER, module="Cart"),
        call(),
    ]
    acted = [(await read(upstream, one))[0].fault for one in asked]
    assert acted == ["module=Cart:503", "role=developer:garbage", "role=reviewer:500", "empty"]


async def test_a_rule_acts_so_many_times_for_each_run_role_and_module() -> None:
    upstream = faulty("times=2:500")
    cart = call(role=Role.DEVELOPER, module="Cart")
    assert [await hit(upstream, cart) for _ in range(4)] == [True, True, False, False]
    assert await hit(upstream, call(role=Role.DEVELOPER, module="Stock"))
    assert await hit(upstream, call(role=Role.REVIEWER, module="Cart"))
    assert await hit(upstream, call(role=Role.DEVELOPER, module="Cart", run="run-2"))


async def test_a_retry_is_no_longer_hit_though_the_conversation_has_grown() -> None:
    upstream = faulty("times=1:empty")
    asked = [call(role=Role.DEVELOPER, module="Cart", attempt=attempt) for attempt in (1, 2, 3)]
    assert [await hit(upstream, one) for one in asked] == [True, False, False]


async def test_a_rule_that_is_used_up_leaves_the_call_to_the_next() -> None:
    upstream = faulty("times=1:500", "times=1:503", "times=1:500")
    assert [(await read(upstream, call()))[0].status for _ in range(4)] == [500, 503, 500, 200]


async def struck(rule: str, asked: list[ModelCall]) -> list[tuple[str, str]]:
    """The calls, by run and request, that the rule acted on, in order."""
    upstream = faulty(rule, text="")
    return sorted([(one.run, one.request.hash) for one in asked if await hit(upstream, one)])


async def test_a_probability_picks_about_its_share() -> None:
    asked = [call(str(number)) for number in range(2000)]
    assert len(await struck("p=0.3:500", asked)) == pytest.approx(600, abs=80)
    assert len(await struck("p=1:500", asked[:100])) == 100


async def test_a_probability_picks_the_same_calls_in_every_order_and_every_run() -> None:
    asked = [call(str(number % 40)) for number in range(120)]
    there = await struck("p=0.5:500", asked)
    assert 30 < len(there) < 90
    assert await struck("p=0.5:500", asked[::-1]) == there
    others = [call(str(number % 40), run="run-2") for number in range(120)]
    both = await struck("p=0.5:500", [one for pair in zip(asked, others, strict=True) for one in pair])
    assert both == sorted([*there, *(("run-2", key) for _, key in there)])


async def test_a_probability_is_decided_anew_for_a_request_that_comes_again() -> None:
    upstream = faulty("p=0.5:500")
    assert len({await hit(upstream, call()) for _ in range(64)}) == 2


async def test_a_seed_picks_other_calls() -> None:
    asked = [call(str(number)) for number in range(100)]
    assert await struck("p=0.5,seed=1:500", asked) != await struck("p=0.5,seed=2:500", asked)


async def test_the_counts_of_old_runs_are_dropped_and_those_of_a_run_that_goes_on_are_kept() -> None:
    upstream = faulty("times=1:500")
    assert await hit(upstream, call(run="old"))
    assert await hit(upstream, call(run="lasting"))
    for number in range(63):
        assert await hit(upstream, call(run=f"run-{number}"))
        assert not await hit(upstream, call(run="lasting"))
    assert await hit(upstream, call(run="old"))


@pytest.mark.parametrize("passes_on", [True, False])
def test_what_cannot_be_read_is_for_whoever_is_behind_it(passes_on: bool) -> None:
    behind = Scripted([], passes_on=passes_on)
    assert FaultyUpstream(behind, [parse_fault("500")], ManualClock()).passes_on is passes_on
