"""JSON as prompts show it is read, nearly JSON or not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from harness.gateway.simulated.stranger.reading import Hint, Unreadable, read_data


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ('{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}),
        ("{'a': 'it', b: \"y\",}", {"a": "it", "b": "y"}),
        ('{"a": 0-100 integer score, "b": <name>}', {"a": "0-100 integer score", "b": "<name>"}),
        ('{"a": "x" | "y" | "z", "b": "p" or "q"}', {"a": "x|y|z", "b": "p|q"}),
        ('[{"a": 1}, ...]', [{"a": 1}]),
        ('{"a": 1, // the first\n "b": 2 # the second\n}', {"a": 1, "b": 2}),
        ('{"a": "x" (optional), "b": 1}', {"a": "x", "b": 1}),
        ('{"a": "say \\"x\\""}', {"a": 'say "x"'}),
    ],
)
def test_data_is_read(text: str, data: JsonValue) -> None:
    """Hints, options, dots, remarks and commas too many."""
    assert read_data(text, 0) == (data, len(text))


def test_a_hint_is_told_from_a_text() -> None:
    """It stands without quotes."""
    found, _ = read_data('{"a": number, "b": "number"}', 0)
    assert isinstance(found, dict)
    assert [isinstance(value, Hint) for value in found.values()] == [True, False]


@pytest.mark.parametrize("text", ['{"a": [1}', '{"a"', "{?}", '{"a": "x', "[" * 100])
def test_what_is_no_data_is_refused(text: str) -> None:
    """Brackets that do not fit, texts that do not end, and what is too deep."""
    with pytest.raises(Unreadable):
        read_data(text, 0)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="ab c'", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=10,
).filter(lambda value: isinstance(value, dict | list))


@given(_JSON)
def test_json_is_read_as_what_it_is(value: JsonValue) -> None:
    """All of it, and no more than it."""
    text = json.dumps(value)
    assert read_data(text + " and more", 0) == (value, len(text))


@given(st.text(alphabet="{}[]\"':,.|ab1\n /#", max_size=40))
def test_no_text_makes_it_fail(text: str) -> None:
    """It is read or refused."""
    try:
        read_data("{" + text, 0)
    except Unreadable:
        return
