"""The measuring of a server: its slots and its throughput are found as they are, whatever it does."""

from __future__ import annotations

import json

import pytest

from harness.doctor.measurement import Measurement
from harness.doctor.measuring import measure
from harness.doctor.probe import open_probe
from harness.errors import SurroundingsError
from tests.doctor.paced_server import PacedServer, paced_server, shared


async def measured(server: PacedServer, *, most: int = 4, limit_s: float = 20.0) -> Measurement:
    async with paced_server(server), open_probe(server.url, "llama3.1", {"num_ctx": 8192}, "m") as probe:
        return await measure(probe, most=most, limit_s=limit_s, on_progress=lambda _: None)


@pytest.mark.parametrize("slots", [1, 2, 3])
async def test_calls_beyond_the_slots_are_seen_to_queue(slots: int) -> None:
    found = await measured(PacedServer(slots=slots))
    assert (found.slots, found.exact, found.short) == (slots, True, None)
    # The pace of calls that queued is that of nothing.
    assert [rounds[0].at_once for rounds in found.paces] == list(range(1, slots + 1))


async def test_a_server_without_a_limit_has_at_least_as_many_slots_as_were_tried() -> None:
    server = PacedServer()
    found = await measured(server, most=8)
    assert (found.slots, found.exact) == (8, False)
    assert [step.at_once for step in found.steps] == [1, 2, 4, 8]
    assert found.gain > 2


async def test_a_server_that_streams_many_and_yields_no_more_is_told_as_such() -> None:
    """Twice in a row it gained nothing: there is no need for 16."""
    server = PacedServer(slowdown=shared, token_s=0.003)
    found = await measured(server, most=16)
    assert found.steps[-1].at_once < 16
    assert (found.slots, found.exact) == (found.steps[-1].at_once, False)
    assert found.gain < 1.5


async def test_prompts_one_after_the_other_are_no_queue() -> None:
    """A first answer that ends before the last prompt's turn is short, and not the holder of a slot."""
    found = await measured(PacedServer(prompt_s=0.03))
    assert found.slots == 4


async def test_a_server_that_refuses_at_many_is_asked_for_no_more() -> None:
    server = PacedServer(refuses_above=5)
    found = await measured(server, most=16)
    assert [step.at_once for step in found.steps] == [1, 2, 4, 5, 8]
    refused = found.refused_at
    assert refused is not None
    assert (refused.at_once, refused.refused) == (8, 3)
    assert refused.refusal == "503: server busy, please try again"
    assert (found.slots, found.exact) == (5, True)
    assert [rounds[0].at_once for rounds in found.paces] == [1, 2, 4, 5]


async def test_what_was_seen_until_the_time_was_up_counts() -> None:
    found = await measured(PacedServer(hangs_at=4), most=4, limit_s=1.0)
    assert found.short is not None
    assert "one of 4 calls at once" in found.short
    assert (found.slots, found.exact) == (2, False)


async def test_a_server_that_says_nothing_was_not_measured() -> None:
    with pytest.raises(SurroundingsError, match=r"the first call had no answer within 0\.2 s"):
        await measured(PacedServer(hangs_at=1), limit_s=0.2)


async def test_a_server_that_answers_in_one_piece_was_not_measured() -> None:
    with pytest.raises(SurroundingsError, match="in one piece"):
        await measured(PacedServer(pieces=1))


async def test_a_server_that_refuses_one_call_was_not_measured() -> None:
    with pytest.raises(SurroundingsError, match=r"gave no answer \(503\): server busy"):
        await measured(PacedServer(refuses_above=0))


async def test_the_pace_of_a_long_prompt_is_measured() -> None:
    """A word of the stand-in is a token; the short prompts have theirs in the first token's time."""
    found = await measured(PacedServer(slots=1, prompt_token_s=0.0002), most=1)
    assert found.prompt_token_s is not None
    assert 0.0001 < found.prompt_token_s < 0.0006


async def test_calls_are_of_equal_length_and_no_prompt_is_that_of_another() -> None:
    """A cache would make them unequal, and another `num_ctx` than the spec's would load the model anew."""
    server = PacedServer(slots=2)
    await measured(server)
    options = [json.dumps(asked["options"], sort_keys=True) for asked in server.asked]
    short = {"num_ctx": 8192, "temperature": 0, "num_predict": 32}
    lengths = {json.dumps(replace_length(short, tokens), sort_keys=True) for tokens in (8, 32, 64)}
    assert set(options) <= lengths
    texts = [str(asked["messages"]) for asked in server.asked]
    assert len(set(texts)) == len(texts)


def replace_length(options: dict[str, int], tokens: int) -> dict[str, int]:
    return {**options, "num_predict": tokens}
