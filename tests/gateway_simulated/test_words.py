"""Words: their forms, and text that can stand in files."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.simulated.words import (
    a,
    base_verbs,
    plural,
    printable,
    quoted,
    shortened,
    singular,
    state,
)


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("product", "products"),
        ("category", "categories"),
        ("box", "boxes"),
        ("movie", "movies"),
        ("person", "people"),
        ("expense", "expenses"),
        ("address", "addresses"),
        ("news", "news"),
        ("analysis", "analyses"),
        ("day", "days"),
    ],
)
def test_one_and_many(one: str, many: str) -> None:
    """Each is made of the other."""
    assert (plural(one), singular(many)) == (many, one)


@pytest.mark.parametrize(
    ("verb", "after"),
    [
        ("cancel", "cancelled"),
        ("ship", "shipped"),
        ("pay", "paid"),
        ("approve", "approved"),
        ("carry", "carried"),
    ],
)
def test_what_was_done_leaves_a_state(verb: str, after: str) -> None:
    """The participle, irregular or not."""
    assert state(verb) == after


@pytest.mark.parametrize(("form", "verb"), [("stopping", "stop"), ("carries", "carry"), ("shares", "share")])
def test_forms_of_a_verb_lead_back_to_it(form: str, verb: str) -> None:
    """Among the candidates."""
    assert verb in base_verbs(form)


def test_articles() -> None:
    """By sound, as far as letters tell."""
    assert [a("order"), a("user"), a("room_key")] == ["an order", "a user", "a room key"]


@given(st.text(max_size=60))
def test_quoted_text_is_read_alike_everywhere(text: str) -> None:
    """YAML, JSON and Python read the same text from it."""
    expected = printable(text)
    assert yaml.safe_load(quoted(text)) == expected
    assert json.loads(quoted(text)) == expected


def test_long_text_is_cut_after_a_word() -> None:
    """And says so."""
    assert shortened("one two three", 9) == "one two …"
    assert shortened("one two", 9) == "one two"
