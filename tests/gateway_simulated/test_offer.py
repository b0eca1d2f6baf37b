"""What a module offers, read from an API that somebody else may have designed."""

from __future__ import annotations

from harness.gateway.simulated.offer import read_offer
from harness.gateway.simulated.vocabulary import Archetype


def test_functions_are_told_by_verb_and_parameters() -> None:
    """What takes the id of the thing is about one; what makes one needs no id."""
    signatures = {
        "get_order(order_id: int) -> dict": Archetype.GET,
        "place_order(account_id: int, address: str) -> dict": Archetype.CREATE,
        "list_orders(account_id: int | None = None) -> list": Archetype.LIST,
        "find_orders(address: str) -> list": Archetype.FIND,
        "search_orders(text: str, limit: int = 5) -> list": Archetype.SEARCH,
        "cancel_order(order_id: int) -> dict": Archetype.CHANGE_STATE,
        "change_address(order_id: int, address: str) -> dict": Archetype.UPDATE,
        "reserve_stock(order_id: int, quantity: int) -> dict": Archetype.TAKE,
        "remove_order(order_id: int) -> None": Archetype.REMOVE,
        "count_orders() -> int": Archetype.COUNT,
        "frobnicate() -> bool": Archetype.OTHER,
    }

    offer = read_offer("Orders", "orders", {"functions": list(signatures)})

    assert {f.signature: f.archetype for f in offer.functions} == signatures
    assert (offer.entity, offer.id_name) == ("order", "order_id")


def test_a_signature_is_written_as_it_was_read() -> None:
    """Defaults, keyword-only parameters and missing types survive."""
    functions = ["f(a, b: str = 'x', *, c: int) -> list[int]"]
    offer = read_offer("M", "m", {"functions": functions})
    assert offer.functions[0].signature == 'f(a: Any, b: str = "x", *, c: int) -> list[int]'
