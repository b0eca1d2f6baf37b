"""The local model through a gateway: recorded, and replayed to the letter."""

from __future__ import annotations

from pathlib import Path

from harness.gateway.cassette import ReplayUpstream, read_cassette
from harness.gateway.clock import MonotonicClock
from harness.gateway.local_model.weights import find_weights
from harness.gateway.opening import open_upstream
from harness.gateway.settings import LocalSettings, RecordSettings
from tests.gateway.served import Served, served
from tests.gateway_local_model.running import asking
from tests.local_model_extra import needs_local_model

pytestmark = needs_local_model

CLOCK = MonotonicClock()
RUN = "run-2"
OPTIONS = {"temperature": 0.8, "num_predict": 24}


async def _answers(gateway: Served) -> tuple[list[str], str]:
    """The parts of a streamed answer, and a whole answer to the same question."""
    async with gateway.control("POST", "", {"id": RUN, "slots": 1, "cassette": "sky"}) as response:
        assert response.status == 201
    client = await gateway.client(RUN)
    question = asking("Why is the sky blue?")
    stream = await client.chat("llama3.1", question, options=OPTIONS, stream=True)
    parts = [part.message.content or "" async for part in stream]
    whole = await client.chat("llama3.1", question, options=OPTIONS)
    return parts, whole.message.content or ""


async def test_what_it_said_is_replayed_to_the_letter(tmp_path: Path) -> None:
    recorded = RecordSettings(folder=tmp_path, upstream=LocalSettings(slots=1))
    async with open_upstream(recorded, (), CLOCK) as upstream, served(upstream, CLOCK) as gateway:
        said = await _answers(gateway)
    entries = [entry for _, entry in read_cassette(tmp_path / "sky.jsonl").entries]
    assert ["".join(said[0]), said[1]] == [entry.answer for entry in entries]
    # One question, two answers: without a cassette the second run would compare unequal.
    assert entries[0].key == entries[1].key
    assert entries[0].answer != entries[1].answer
    # What was asked as llama3.1 is on record as what it was.
    assert {entry.source for entry in entries} == {"local"}
    assert {entry.digest for entry in entries} == {find_weights().digest}
    async with served(ReplayUpstream(tmp_path, 0, CLOCK), CLOCK) as gateway:
        assert await _answers(gateway) == said
