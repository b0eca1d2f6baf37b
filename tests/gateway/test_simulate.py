from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gateway.canonical import CanonicalRequest, Endpoint
from harness.gateway.jitter import STEADY, Jitter
from harness.gateway.opening import open_upstream
from harness.gateway.settings import SimulateSettings
from harness.gateway.simulate import Latency, SimulatedUpstream, tokens_of
from harness.gateway.upstream import ModelCall, OtherCall, json_line
from tests.gateway.manual_clock import ManualClock
from tests.gateway.served import question

TEXT = "one two three four five. " * 8
"""48 tokens: each word is one, each full stop, and the white space at the end."""


async def chat(
    latency: Latency, *, text: str = TEXT, stream: bool = True, jitter: Jitter = STEADY, run: str = ""
) -> list[tuple[float, dict[str, Any]]]:
    """The lines of an answer, each with the time since the grant at which it came."""
    clock = ManualClock()
    upstream = SimulatedUpstream(lambda request: text, latency, clock, jitter)
    call = ModelCall(CanonicalRequest.from_payload(question()), stream, b"", {}, run)
    began_s = clock.now
    async with upstream.answer(call) as reply:
        assert reply.status == 200
        return [(clock.now - began_s, json.loads(chunk)) async for chunk in reply.chunks]


def text_of(lines: list[tuple[float, dict[str, Any]]]) -> str:
    return "".join(entry["message"]["content"] for _, entry in lines)


@settings(deadline=None)
@given(st.text())
def test_tokens_are_the_whole_text(text: str) -> None:
    assert "".join(tokens_of(text)) == text


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("one two", 2), ("a.b(c)", 6), ("international", 3), ("  \n x", 1), ("x\n", 2)],
)
def test_tokens_are_pieces_of_words_and_single_marks(text: str, count: int) -> None:
    assert len(tokens_of(text)) == count


async def test_a_stream_starts_after_the_time_to_the_first_token_and_ends_after_the_last() -> None:
    lines = await chat(Latency(ttft_s=0.5, tokens_per_s=10))
    assert text_of(lines) == TEXT
    assert lines[0][0] == pytest.approx(0.5)
    assert lines[1][0] == pytest.approx(0.6)
    assert lines[-1][0] == pytest.approx(0.5 + len(tokens_of(TEXT)) / 10)
    assert [entry["done"] for _, entry in lines] == [False] * (len(lines) - 1) + [True]


@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.GENERATE])
async def test_each_line_of_a_stream_is_written_as_any_other_line(endpoint: Endpoint) -> None:
    """What is the same in all lines is encoded once, around whatever the model's name and the text hold."""
    odd = 'a "quote" \\ {mark} \x07 \ud800 店\n'
    asked = CanonicalRequest.from_payload(question(odd, prompt=odd), endpoint)
    asked = asked.model_copy(update={"model": 'm "{mark}"'})
    upstream = SimulatedUpstream(lambda request: odd, Latency(0, 10), ManualClock())
    async with upstream.answer(ModelCall(asked, True, b"", {})) as reply:
        lines = [chunk async for chunk in reply.chunks]
    assert len(lines) > 5
    assert lines == [json_line(json.loads(line)) for line in lines]
    assert {json.loads(line)["model"] for line in lines} == {'m "{mark}"'}


async def test_an_answer_that_is_not_streamed_takes_as_long() -> None:
    ((when_s, entry),) = await chat(Latency(ttft_s=0.5, tokens_per_s=10), stream=False)
    assert when_s == pytest.approx(0.5 + len(tokens_of(TEXT)) / 10)
    assert entry["message"] == {"role": "assistant", "content": TEXT}
    assert entry["done"] is True


@pytest.mark.parametrize("tokens_per_s", [7, 50, 51, 333, 20_000])
async def test_a_stream_sends_no_more_than_fifty_chunks_a_second(tokens_per_s: float) -> None:
    lines = await chat(Latency(0.1, tokens_per_s), text=TEXT * 20)
    times = [when_s for when_s, entry in lines if not entry["done"]]
    assert text_of(lines) == TEXT * 20
    # Only the last group, which is what was left over, may come sooner.
    assert all(b - a >= 0.02 - 1e-9 for a, b in pairwise(times[:-1]))


async def test_the_last_line_gives_the_models_account_in_nanoseconds() -> None:
    lines = await chat(Latency(ttft_s=0.5, tokens_per_s=10), text="one two")
    assert lines[-1][1] == {
        "model": "m",
        "created_at": "2030-01-02T03:04:05Z",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
        "total_duration": 700_000_000,
        "load_duration": 0,
        "prompt_eval_count": 2,
        "prompt_eval_duration": 500_000_000,
        "eval_count": 2,
        "eval_duration": 200_000_000,
    }


@pytest.mark.parametrize("stream", [True, False])
async def test_jitter_changes_all_times_of_a_call_by_one_factor_and_not_its_text(stream: bool) -> None:
    steady = await chat(Latency(0.5, 10), stream=stream)
    jittered = await chat(Latency(0.5, 10), stream=stream, jitter=Jitter(0.5), run="a")
    assert text_of(jittered) == text_of(steady) == TEXT
    factor = jittered[-1][0] / steady[-1][0]
    assert factor != pytest.approx(1, abs=0.01)
    assert jittered[0][0] == pytest.approx(factor * steady[0][0])
    account, usual = jittered[-1][1], steady[-1][1]
    for key in ("total_duration", "prompt_eval_duration", "eval_duration"):
        assert account[key] == pytest.approx(factor * usual[key])
    assert account["eval_count"] == usual["eval_count"]


async def test_the_settings_of_a_gateway_bring_jitter_about() -> None:
    async def took_s(settings: SimulateSettings) -> float:
        clock = ManualClock()
        async with open_upstream(settings, (), clock) as upstream:
            began_s = clock.now
            call = ModelCall(CanonicalRequest.from_payload(question()), False, b"", {}, "a")
            async with upstream.answer(call) as reply:
                _ = [chunk async for chunk in reply.chunks]
        return clock.now - began_s

    steady = await took_s(SimulateSettings())
    jitter = {"jitter": 0.5, "jitter_seed": 7}
    factor = Jitter(0.5, 7).factor(ModelCall(CanonicalRequest.from_payload(question()), False, b"", {}))
    assert await took_s(SimulateSettings.model_validate(jitter)) == pytest.approx(factor * steady)


async def test_an_empty_answer_is_only_its_last_line() -> None:
    ((when_s, entry),) = await chat(Latency(0.5, 10), text="")
    assert when_s == pytest.approx(0.5)
    assert entry["done"] is True


@pytest.mark.parametrize(
    ("method", "target", "status", "said"),
    [
        ("GET", "/api/version", 200, "simulated"),
        ("GET", "/api/tags", 200, "simulated:latest"),
        ("GET", "/api/tags?x=1", 200, "simulated:latest"),
        ("POST", "/api/generate", 404, "the simulated model has no POST /api/generate"),
        ("DELETE", "/api/tags", 404, "the simulated model has no DELETE /api/tags"),
    ],
)
async def test_other_endpoints_say_that_the_model_is_simulated(
    method: str, target: str, status: int, said: str
) -> None:
    upstream = SimulatedUpstream(lambda request: "", Latency(0, 1), ManualClock())
    async with upstream.other(OtherCall(method, target, None, {})) as reply:
        body = json.loads(b"".join([chunk async for chunk in reply.chunks]))
    assert reply.status == status
    assert said in json.dumps(body)
