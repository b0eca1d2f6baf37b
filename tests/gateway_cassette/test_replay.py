"""Replay through a real gateway: same answers, recorded pace, findings where nothing was recorded."""

from __future__ import annotations

import asyncio
from pathlib import Path

import ollama
import pytest

from harness.gateway.cassette import ReplayUpstream, append_entry
from harness.gateway.cassette.entry import Entry
from harness.gateway.clock import MonotonicClock
from harness.gateway.upstream import Missed, ModelCall, Replayed, Reply
from tests.gateway.manual_clock import ManualClock
from tests.gateway.served import question, served
from tests.gateway_cassette.entries import entry, request, stream_of

CASSETTE = "shop"


def _recorded(folder: Path, *entries: Entry) -> Path:
    for found in entries:
        append_entry(folder / f"{CASSETTE}.jsonl", found)
    return folder


def _call(text: str = "Why?", run: str = "r1", *, stream: bool = True) -> ModelCall:
    return ModelCall(request(text), stream, b"", {}, run, CASSETTE)


async def _answer(upstream: ReplayUpstream, call: ModelCall) -> tuple[Reply, bytes]:
    async with upstream.answer(call) as reply:
        return reply, b"".join([chunk async for chunk in reply.chunks])


async def test_equal_requests_get_their_answers_in_order_and_then_the_last_again(tmp_path: Path) -> None:
    first, second = (entry(chunks=stream_of(text)) for text in ("<1>", "<2>"))
    upstream = ReplayUpstream(_recorded(tmp_path, first, second), 0, ManualClock())
    got = [await _answer(upstream, _call()) for _ in range(3)]
    assert [b"<1>" in body for _, body in got] == [True, False, False]
    assert [reply.origin for reply, _ in got] == [
        Replayed(1, repeated=False),
        Replayed(2, repeated=False),
        Replayed(2, repeated=True),
    ]


async def test_every_run_starts_at_the_first_answer(tmp_path: Path) -> None:
    first, second = (entry(chunks=stream_of(text)) for text in ("<1>", "<2>"))
    upstream = ReplayUpstream(_recorded(tmp_path, first, second), 0, ManualClock())
    for run in ("r1", "r2"):
        _, body = await _answer(upstream, _call(run=run))
        assert b"<1>" in body


async def test_other_requests_do_not_use_an_answer_up(tmp_path: Path) -> None:
    recorded = [entry(request(text), stream_of(f"<{text}>")) for text in ("a", "b", "a")]
    upstream = ReplayUpstream(_recorded(tmp_path, *recorded), 0, ManualClock())
    answers = await asyncio.gather(*(_answer(upstream, _call(text)) for text in ("b", "a", "b", "a")))
    lines = [reply.origin.line for reply, _ in answers if reply.origin]
    assert lines == [2, 1, 2, 3]


@pytest.mark.parametrize(("scale", "passed_s"), [(1.0, 0.3), (10.0, 3.0), (0.1, 0.03), (0, 0.0)])
async def test_recorded_times_are_scaled(tmp_path: Path, scale: float, passed_s: float) -> None:
    clock = ManualClock()
    began_s = clock.now
    upstream = ReplayUpstream(_recorded(tmp_path, entry()), scale, clock)
    await _answer(upstream, _call())
    assert clock.now - began_s == pytest.approx(passed_s)


async def test_a_client_gets_the_recorded_answer_streamed_or_whole(tmp_path: Path) -> None:
    _recorded(tmp_path, entry(chunks=stream_of("Be", "cause", eval_count=7)))
    (tmp_path / f"{CASSETTE}.jsonl").rename(tmp_path / "any.jsonl")
    clock = MonotonicClock()
    async with served(ReplayUpstream(tmp_path, 0, clock), clock) as gateway:
        async with gateway.control("POST", "", {"id": "run-2", "slots": 1, "cassette": "any"}) as response:
            assert response.status == 201
        client = await gateway.client("run-2")
        messages = [{"role": "user", "content": "Why?"}]
        whole = await client.chat("m", messages)
        parts = [part async for part in await client.chat("m", messages, stream=True)]
        await gateway.end("run-2")
        calls = await gateway.calls("run-2")
    assert whole.message.content == "Because"
    assert [part.message.content for part in parts] == ["Be", "cause", ""]
    assert (parts[-1].done, parts[-1].eval_count) == (True, 7)
    assert [(call.cassette_line, call.repeated_answer) for call in calls] == [(1, False), (1, True)]
    assert [call.response for call in calls] == ["Because", "Because"]


async def test_what_was_not_recorded_is_a_404_with_the_nearest_on_record(tmp_path: Path) -> None:
    _recorded(tmp_path, entry(request("Why is it so?")), entry(request("What?")))
    clock = MonotonicClock()
    async with served(ReplayUpstream(tmp_path, 0, clock), clock) as gateway:
        async with gateway.control("POST", "", {"id": "run-2", "slots": 1, "cassette": CASSETTE}):
            pass
        client = await gateway.client("run-2")
        with pytest.raises(ollama.ResponseError, match="does not hold this request") as refused:
            await client.chat("m", [{"role": "user", "content": "Why is it not?"}])
        await gateway.end("run-2")
        [call] = await gateway.calls("run-2")
    assert refused.value.status_code == 404
    assert call.not_recorded
    assert call.cassette_line == 1
    assert call.nearest_request is not None
    assert call.nearest_request.messages[0].content == "Why is it so?"


async def test_other_options_are_another_request(tmp_path: Path) -> None:
    upstream = ReplayUpstream(_recorded(tmp_path, entry()), 0, ManualClock())
    call = ModelCall(request(options={"temperature": 1}), True, b"", {}, "r1", CASSETTE)
    reply, _ = await _answer(upstream, call)
    assert isinstance(reply.origin, Missed)
    assert reply.status == 404


async def test_an_answer_that_broke_off_breaks_off_again(tmp_path: Path) -> None:
    _recorded(tmp_path, entry(chunks=stream_of("Be", "cause")[:1], whole=False))
    clock = MonotonicClock()
    async with served(ReplayUpstream(tmp_path, 0, clock), clock) as gateway:
        async with gateway.control("POST", "", {"id": "run-2", "slots": 1, "cassette": CASSETTE}):
            pass
        client = await gateway.client("run-2")
        with pytest.raises(Exception, match="peer closed connection"):
            _ = [
                part
                async for part in await client.chat("m", [{"role": "user", "content": "Why?"}], stream=True)
            ]


async def test_a_cassette_that_is_missing_is_said_in_the_answer(tmp_path: Path) -> None:
    clock = MonotonicClock()
    async with (
        served(ReplayUpstream(tmp_path, 0, clock), clock) as gateway,
        gateway.post(question()) as response,
    ):
        assert response.status == 500
        assert "is no name of a cassette" in (await response.json())["error"]


async def test_the_models_are_those_of_the_cassettes(tmp_path: Path) -> None:
    clock = MonotonicClock()
    async with served(ReplayUpstream(_recorded(tmp_path, entry()), 0, clock), clock) as gateway:
        listed = await (await gateway.client()).list()
    assert [(model.model, model.digest) for model in listed.models] == [("m", "abc")]
