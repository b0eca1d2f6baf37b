"""Descriptions, taken apart: the thing, its fields, what is done with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.simulated.description import Action, read_description


@pytest.mark.parametrize(
    ("text", "entity", "fields", "verbs"),
    [
        (
            "Products with name, price and stock; list, search by name.",
            "product",
            "name price stock",
            "list search",
        ),
        (
            "Orders made from a cart with a delivery address; place, ship.",
            "order",
            "delivery_address",
            "place ship",
        ),
        ("Manages the cart: adding items, removing items", "item", "", "add remove"),
        ("Reports on a month with a title; create.", "report", "title month", "create"),
        ("Benutzer mit Namen", "benutzer", "namen", ""),
        ("Rooms with class, id and list", "room", "class_value list_value", ""),
        ("???", "", "", ""),
    ],
)
def test_a_description_is_read(text: str, entity: str, fields: str, verbs: str) -> None:
    """In English as people write it; from anything else as little as there is to tell."""
    description = read_description(text)

    assert description.entity == entity
    assert description.fields == tuple(fields.split())
    assert [action.verb for action in description.actions] == verbs.split()


def test_actions_have_objects_and_keys() -> None:
    """`change the quantity` is about the quantity, `find by email` goes by the email."""
    actions = read_description("Items; change the quantity, find by email.").actions
    assert actions == (Action("change", "quantity"), Action("find", "", ("email",)))


def test_origin_and_subjects_are_told_apart() -> None:
    """What a thing is made from, and what a search is about."""
    assert read_description("Orders made from a cart").origin == "cart"
    assert read_description("Searches over the notes and tags by text").subjects == ("note", "tag")


@given(st.text(max_size=200))
def test_any_text_is_read_into_names(text: str) -> None:
    """Whatever is written, names that come of it can stand in a program."""
    description = read_description(text)
    assert all(name.isidentifier() for name in (*description.fields, description.entity or "x"))
