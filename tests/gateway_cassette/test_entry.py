"""Entries: what is read from an answer's bytes, and what is sent again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.gateway.cassette.entry import Entry, played
from tests.gateway_cassette.entries import entry, request, stream_of


def _lines(found: Entry, *, stream: bool) -> list[dict[str, Any]]:
    return [json.loads(line) for _, line in played(found, stream=stream, created_at="now")]


def test_the_text_stands_in_one_place_and_the_pieces_say_what_came_when() -> None:
    found = entry()
    assert found.answer == "Because"
    assert [(piece.at_s, piece.size) for piece in found.pieces] == [(0.1, 2), (0.2, 5), (0.3, 0)]
    assert found.as_line().count("Because") == 1


def test_a_stream_is_played_with_its_lines_and_times() -> None:
    chunks = stream_of("Be", "cause", eval_count=7)
    again = list(played(entry(chunks=chunks), stream=True, created_at="then"))
    assert [(at_s, json.loads(line)) for at_s, line in again] == [
        (at_s, json.loads(line)) for at_s, line in chunks
    ]


@given(st.lists(st.text(max_size=8), max_size=6), st.integers(1, 40))
def test_a_stream_survives_wherever_the_bytes_were_cut(parts: list[str], size: int) -> None:
    body = b"".join(chunk for _, chunk in stream_of(*parts))
    cut = [(0.1, body[start : start + size]) for start in range(0, len(body), size)]
    found = Entry.model_validate_json(entry(chunks=cut).as_line())
    sent = [line["message"]["content"] for line in _lines(found, stream=True)]
    assert sent == [*parts, ""]


def test_what_else_a_line_holds_is_kept() -> None:
    thought = {"message": {"role": "assistant", "content": "", "thinking": "hm"}, "done": False}
    call = {"message": {"role": "assistant", "content": "x", "tool_calls": [{"f": 1}]}, "done": True, "x": 2}
    chunks = [(0.1, json.dumps(line).encode() + b"\n") for line in (thought, call)]
    first, last = _lines(entry(chunks=chunks), stream=True)
    assert first["message"]["thinking"] == "hm"
    assert last["message"]["tool_calls"] == [{"f": 1}]
    assert last["x"] == 2


def test_a_stream_that_is_asked_for_whole_comes_in_one_line() -> None:
    [line] = _lines(entry(chunks=stream_of("Be", "cause", eval_count=7)), stream=False)
    assert line["message"]["content"] == "Because"
    assert line["done"] is True
    assert line["eval_count"] == 7


def test_thinking_and_tool_calls_are_joined_too() -> None:
    lines = [
        {"message": {"role": "assistant", "content": "", "thinking": "h"}, "done": False},
        {"message": {"role": "assistant", "content": "", "thinking": "m"}, "done": False},
        {"message": {"role": "assistant", "content": "", "tool_calls": [1]}, "done": False},
        {"message": {"role": "assistant", "content": "", "tool_calls": [2]}, "done": True},
    ]
    chunks = [(0.1, json.dumps(line).encode() + b"\n") for line in lines]
    [line] = _lines(entry(chunks=chunks), stream=False)
    assert line["message"] == {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [1, 2]}


def test_an_error_in_mid_stream_is_played_as_it_came() -> None:
    chunks = [*stream_of("Be")[:1], (0.2, b'{"error": "out of memory"}\n')]
    assert _lines(entry(chunks=chunks), stream=True)[1] == {"error": "out of memory"}
    assert _lines(entry(chunks=chunks), stream=False) == [{"error": "out of memory"}]


def test_the_body_of_an_error_status_is_played_as_it_came() -> None:
    found = entry(status=500, chunks=[(0.1, b'{"error": "broken"}')])
    assert _lines(found, stream=True) == [{"error": "broken"}]


def test_what_is_not_json_is_played_as_it_came() -> None:
    found = entry(chunks=[(0.1, b"<html>\n")])
    assert [line for _, line in played(found, stream=True, created_at="")] == [b"<html>\n"]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("answer", "Be cause", "the pieces do not add up"),
        ("key", "0" * 64, "the key is not the hash"),
        ("version", 2, "this is version 2"),
        ("headers", {}, "Extra inputs"),
    ],
)
def test_an_entry_that_was_changed_by_hand_is_not_played(field: str, value: object, reason: str) -> None:
    fields = json.loads(entry().as_line())
    with pytest.raises(ValidationError, match=reason):
        Entry.model_validate_json(json.dumps({**fields, field: value}))


def test_equal_requests_have_one_key() -> None:
    alike = (
        request(" Why?\n", tools=[], options={"a": 1, "b": 2.0}),
        request("Why?", options={"b": 2, "a": 1}),
    )
    assert alike[0].hash == alike[1].hash
    assert entry(request("Why? ", format="json")).key != entry().key
