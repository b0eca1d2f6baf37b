from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gateway.canonical import CanonicalRequest, decode, wants_stream, well_formed
from harness.gateway.errors import MalformedRequest

BASE: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def canonical(**changes: Any) -> CanonicalRequest:
    return CanonicalRequest.from_payload(BASE | changes)


def read(body: bytes) -> tuple[CanonicalRequest, bool]:
    payload = decode(body)
    return CanonicalRequest.from_payload(payload), wants_stream(payload)


@pytest.mark.parametrize(
    "same",
    [
        pytest.param({"messages": [{"content": "Hello", "role": "user"}]}, id="order of keys"),
        pytest.param(
            {"messages": [{"role": "user", "content": "\n Hello\t\n"}]}, id="white space at the ends"
        ),
        pytest.param({"messages": [{"role": "User", "content": "Hello"}]}, id="case of the role"),
        pytest.param(
            {"messages": [{"role": "user", "content": "Hello", "images": None}]}, id="null field of a message"
        ),
        pytest.param({"stream": False}, id="stream"),
        pytest.param({"keep_alive": "5m"}, id="keep_alive"),
        pytest.param({"tools": []}, id="no tools"),
        pytest.param({"options": {}}, id="no options"),
        pytest.param({"options": {"seed": None}}, id="null option"),
        pytest.param({"format": ""}, id="empty format"),
        pytest.param({"tools": None, "options": None, "format": None, "think": None}, id="null fields"),
    ],
)
def test_what_does_not_matter_makes_no_difference(same: dict[str, Any]) -> None:
    assert canonical(**same) == canonical()
    assert canonical(**same).hash == canonical().hash


@pytest.mark.parametrize(
    "other",
    [
        {"model": "n"},
        {"messages": []},
        {"messages": [{"role": "system", "content": "Hello"}]},
        {"messages": [{"role": "user", "content": "Hel lo"}]},
        {"messages": [{"role": "user", "content": "hello"}]},
        {"messages": [{"role": "user", "content": "Hello", "images": ["aGk="]}]},
        {"messages": [*BASE["messages"], *BASE["messages"]]},
        {"options": {"seed": 0}},
        {"format": "json"},
        {"format": {"type": "object"}},
        {"tools": [{"type": "function"}]},
        {"think": False},
    ],
    ids=str,
)
def test_what_changes_the_answer_changes_the_hash(other: dict[str, Any]) -> None:
    assert canonical(**other) != canonical()
    assert canonical(**other).hash != canonical().hash


def test_a_number_is_the_same_with_and_without_a_point() -> None:
    """Clients that go through a float field send `0.0` where others send `0`."""
    assert canonical(options={"temperature": 0.0}).hash == canonical(options={"temperature": 0}).hash
    assert canonical(options={"temperature": 0.5}).hash != canonical(options={"temperature": 0}).hash


def test_equality_does_not_depend_on_whether_the_hash_was_read() -> None:
    read, unread = canonical(), canonical()
    assert read.hash
    assert read == unread


def test_the_hash_stays_what_it_is() -> None:
    """Cassettes are keyed by it: a change of it makes every recording unfit."""
    assert canonical().as_json() == '{"messages":[{"content":"Hello","role":"user"}],"model":"m"}'
    assert canonical().hash == "349092d50f498493e350bb8d488a33657f4935b4d5315b3012e22325f494a896"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object but a list"),
        (b"null", "not a JSON object but null"),
        (b"[" * 100_000, "not JSON"),
        (b'{"model": "m", "options": {"seed": NaN}}', "not JSON"),
        (b'{"messages": []}', "model is required"),
        (b'{"model": ""}', "model is required"),
        (b'{"model": 1}', "model is required"),
        (b'{"model": "m", "messages": {}}', "messages is not a list but an object"),
        (b'{"model": "m", "messages": ["hi"]}', "a message is not an object but a string"),
        (b'{"model": "m", "messages": [{"role": "user", "content": ["hi"]}]}', "must be strings"),
        (b'{"model": "m", "messages": [{"role": 1, "content": "hi"}]}', "must be strings"),
        (b'{"model": "m", "options": 1}', "options is not an object but a number"),
        (b'{"model": "m", "options": {"seed": 1e999}}', "out of range"),
        (b'{"model": "m", "tools": true}', "tools is not a list but a boolean"),
        (b'{"model": "m", "tools": ' + b"[" * 500 + b"]" * 500 + b"}", "nested more than"),
        (b'{"model": "m", "stream": "no"}', "stream is not a boolean but a string"),
    ],
)
def test_a_malformed_body_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedRequest, match=reason) as refused:
        read(body)
    assert refused.value.status == 400
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("payload", "wanted"), [({}, True), ({"stream": None}, True), ({"stream": False}, False)]
)
def test_a_request_that_does_not_say_wants_a_stream(payload: dict[str, Any], wanted: bool) -> None:
    assert wants_stream(payload) is wanted


def test_halves_of_characters_are_replaced_and_whole_ones_kept() -> None:
    """A record must be writable as UTF-8, whatever an engine or a model cut in two."""
    assert well_formed("a\ud83d b") == "a\ufffd b"
    assert well_formed("\ud83d\ude00") == "\U0001f600"
    assert canonical(messages=[{"role": "user", "content": "\ud83d"}]).messages[0].content == "\ufffd"


@settings(deadline=None)
@given(
    payload=st.fixed_dictionaries(
        {"model": st.text(min_size=1)},
        optional=dict.fromkeys(("messages", "options", "format", "tools", "think"), JSON),
    )
)
def test_whatever_is_sent_is_refused_or_can_be_kept(payload: dict[str, Any]) -> None:
    """No body may break the gateway or a record: it is malformed, or survives the way through JSON."""
    try:
        request = CanonicalRequest.from_payload(decode(json.dumps(payload).encode()))
    except MalformedRequest:
        return
    assert CanonicalRequest.model_validate_json(request.model_dump_json()) == request
    assert len(request.hash) == 64
