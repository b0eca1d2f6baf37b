"""Going on from a cassette: nothing that was answered is asked again, and what is new is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.gateway.cassette import append_entry, read_cassette
from harness.gateway.cassette.entry import Entry
from harness.gateway.clock import MonotonicClock
from harness.gateway.model import choose_model
from harness.gateway.opening import open_upstream
from harness.gateway.settings import ContinueSettings, SimulateSettings
from harness.gateway.upstream import ModelCall, Upstream
from tests.gateway_cassette.entries import entry, request, stream_of

FAST = SimulateSettings(ttft_s=0, tokens_per_s=1e6)


async def _answers(folder: Path, *texts: str, run: str = "r2") -> list[bytes]:
    """What is answered to `texts`, one after the other."""
    settings = ContinueSettings(folder=folder, upstream=FAST)
    async with open_upstream(settings, (), MonotonicClock()) as upstream:
        return [await _answer(upstream, text, run) for text in texts]


async def _answer(upstream: Upstream, text: str, run: str) -> bytes:
    async with upstream.answer(ModelCall(request(text), True, b"", {}, run, "shop")) as reply:
        return b"".join([chunk async for chunk in reply.chunks])


def _recorded(folder: Path, *entries: Entry) -> None:
    for found in entries:
        append_entry(folder / "shop.jsonl", found)


async def test_what_is_recorded_is_given_and_what_is_not_is_asked_and_kept(tmp_path: Path) -> None:
    _recorded(tmp_path, entry(request("a"), stream_of("<recorded>")))
    answers = await _answers(tmp_path, "a", "b")
    assert [b"<recorded>" in answer for answer in answers] == [True, False]
    kept = read_cassette(tmp_path / "shop.jsonl").entries
    assert [(found.run, found.request) for _, found in kept] == [("r", request("a")), ("r2", request("b"))]


async def test_a_recorded_answer_is_given_once_and_then_the_model_is_asked(tmp_path: Path) -> None:
    """A replay gives the last again; here that would be the same answer to a question asked anew."""
    _recorded(tmp_path, entry(request("a"), stream_of("<recorded>")))
    answers = await _answers(tmp_path, "a", "a")
    assert [b"<recorded>" in answer for answer in answers] == [True, False]


@pytest.mark.parametrize("broken", [{"status": 500}, {"whole": False}])
async def test_what_went_wrong_is_asked_again(tmp_path: Path, broken: dict[str, int]) -> None:
    _recorded(tmp_path, entry(request("a"), stream_of("<broken>"), **broken))  # type: ignore[arg-type]
    (answer,) = await _answers(tmp_path, "a")
    assert b"<broken>" not in answer
    assert b'"done":true' in answer.replace(b" ", b"")


async def test_without_a_cassette_it_begins_one(tmp_path: Path) -> None:
    await _answers(tmp_path, "a")
    assert len(read_cassette(tmp_path / "shop.jsonl").entries) == 1


async def test_it_can_be_asked_for_by_name_and_its_name_comes_to_the_same(tmp_path: Path) -> None:
    choice = await choose_model(f"continue:{tmp_path}@simulated", ollama_host=None)
    settings = choice.settings(FAST, time_scale=1, upstream_timeout_s=1)
    assert settings == ContinueSettings(folder=tmp_path, upstream=FAST)
    again = await choose_model(choice.text, ollama_host=None)
    assert again.settings(FAST, time_scale=1, upstream_timeout_s=1) == settings


async def test_a_choice_is_recorded_or_continued_as_asked(tmp_path: Path) -> None:
    plain = await choose_model("simulated", ollama_host=None)
    recorded = plain.recorded_into(tmp_path)
    assert recorded.text == f"record:{tmp_path}@simulated"
    assert recorded.continued.text == f"continue:{tmp_path}@simulated"
    assert recorded.recorded_into(tmp_path / "other") == recorded
    assert plain.deterministic
