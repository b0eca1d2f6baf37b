"""APIs follow from descriptions, and are read back as they were meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.design import designed_functions
from harness.gateway.simulated.things import THINGS
from harness.gateway.simulated.vocabulary import VERBS

AssignmentOf = Callable[..., Assignment]


def module(name: str, description: str, *requires: str, kind: str = "service") -> dict[str, Any]:
    """A module of a plan."""
    return {"name": name, "module_type": kind, "description": description, "requires": list(requires)}


PAGES = module("Pages", "The pages.", kind="web_interface")


def signatures(assignment: Assignment) -> list[str]:
    """The API of a module."""
    return [function.signature for function in assignment.api.functions]


def test_verbs_and_fields_make_functions(assignment_of: AssignmentOf) -> None:
    """A thing with typed fields, and a function for each verb."""
    described = module("Catalog", "Products with name, price and stock; list, search by name, reserve stock.")
    assert signatures(assignment_of("Catalog", [described])) == [
        "add_product(name: str, price: float, stock: int) -> dict",
        "get_product(product_id: int) -> dict",
        "list_products() -> list",
        "search_products(text: str, limit: int = 20) -> list",
        "reserve_stock(product_id: int, quantity: int) -> dict",
    ]


def test_what_is_required_gives_ids(assignment_of: AssignmentOf) -> None:
    """A thing that belongs to another is made with its id, and listed by it."""
    users = module("Users", "Accounts of customers with name; register.", kind="data")
    cart = module("Cart", "Items of a customer with quantity; add, total.", "Users")
    assert signatures(assignment_of("Cart", [users, cart])) == [
        "add_item(account_id: int, quantity: int) -> dict",
        "get_item(item_id: int) -> dict",
        "list_items(account_id: int | None = None) -> list",
        "total_items(account_id: int | None = None) -> float",
    ]


def test_what_a_thing_is_made_from_gives_its_owner(assignment_of: AssignmentOf) -> None:
    """An order made from a cart is for the owner of the items, not for one item."""
    users = module("Users", "Accounts of customers with name; register.", kind="data")
    cart = module("Cart", "Items of a customer with quantity; add.", "Users")
    orders = module("Orders", "Orders made from a cart; place.", "Cart")
    assert (
        signatures(assignment_of("Orders", [users, cart, orders]))[0]
        == "place_order(account_id: int) -> dict"
    )


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Payments with amount; pay, refund.", "pay(amount: float) -> dict"),
        ("Bookings with a day; book.", "book(day: str) -> dict"),
        ("Requests with a title; request.", "make_request(title: str) -> dict"),
        ("Addresses with a city; add.", "add_address(city: str) -> dict"),
        ("Sums of things with amount; total.", "add_sum(amount: float) -> dict"),
    ],
)
def test_nobody_pays_a_payment(description: str, expected: str, assignment_of: AssignmentOf) -> None:
    """What makes a thing has a name that people would give it, and one that is read back as making."""
    assert signatures(assignment_of("Things", [module("Things", description)]))[0] == expected


def test_interfaces_and_searches_keep_nothing(assignment_of: AssignmentOf) -> None:
    """They speak for what they require, and for those of it that they name."""
    notes = module("NoteStore", "Notes with a title; write.", kind="data")
    tags = module("Tagging", "Tags with a label; add.", kind="data")
    finder = module(
        "Finder", "Searches over the notes by text and by tag; search, rank.", "NoteStore", "Tagging"
    )
    api = module("Api", "The JSON interface; health and an overview of tags.", "NoteStore", "Tagging")

    assert signatures(assignment_of("Finder", [notes, tags, finder])) == [
        "search_notes(text: str, limit: int = 20) -> list",
        "search_notes_by_tag(tag_id: int, limit: int = 20) -> list",
        "rank_notes(text: str, limit: int = 20) -> list",
    ]
    assert signatures(assignment_of("Api", [notes, tags, api])) == ["health() -> dict", "overview() -> dict"]


def test_routes_lie_under_the_module_and_only_in_web_applications(assignment_of: AssignmentOf) -> None:
    """The first page has `/`; a command-line tool has no routes at all."""
    notes = module("NoteStore", "Notes with a title; write.", kind="data")
    desk = module("Desk", "The pages for the staff.", kind="web_interface")

    stored = assignment_of("NoteStore", [notes, PAGES, desk]).api.routes
    assert [(route.method, route.path) for route in stored] == [
        ("POST", "/note-store"),
        ("GET", "/note-store/<int:note_id>"),
        ("GET", "/note-store"),
    ]
    assert [assignment_of(n, [PAGES, desk]).api.routes[0].path for n in ("Pages", "Desk")] == ["/", "/desk"]
    assert assignment_of("NoteStore", [notes]).api.routes == ()


def test_nothing_depends_on_what_nobody_can_make(assignment_of: AssignmentOf) -> None:
    """Over HTTP nobody can make what a utility keeps, so no id of it is asked for; a command can."""
    units = module("Units", "Units with a name; add.", kind="utility")
    goods = module("Goods", "Goods with a name; add.", "Units")

    assert signatures(assignment_of("Goods", [units, goods, PAGES]))[0] == "add_good(name: str) -> dict"
    assert (
        signatures(assignment_of("Goods", [units, goods]))[0] == "add_good(unit_id: int, name: str) -> dict"
    )


_PARTS = st.sampled_from(
    [*sorted(VERBS), *sorted(THINGS), "name", "price", "stock", "with", "of a", ";", ",", "by"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(_PARTS, max_size=20), kind=st.sampled_from(["data", "service", "utility"]))
def test_an_api_is_read_back_as_it_was_meant(
    words: list[str], kind: str, assignment_of: AssignmentOf
) -> None:
    """The developer sees in every function what the architect had in mind."""
    books = module("Books", "Books with a title; add.", kind="data")
    assignment = assignment_of("Other", [books, module("Other", " ".join(words), "Books", kind=kind), PAGES])

    meant = {f.name: f.archetype for f in designed_functions(assignment)}
    read = {f.name: f.archetype for f in assignment.api.functions}

    # What finds and what searches differ by their parameters alone; both are told by these.
    assert {n: k for n, k in read.items() if k != meant[n]} == {}
