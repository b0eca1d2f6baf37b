"""A rendered module with its gaps, as the templates make them."""

from __future__ import annotations

import json

from agents.gaps import Gap, GapKind, Skeleton, placeholder

SOURCE = '''\
"""The cart: "gap: total" is what a person might write here."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import catalog
from flask import Blueprint, Response, jsonify, request

blueprint = Blueprint("cart", __name__)

_lock = threading.Lock()
_rows: dict[int, dict[str, Any]] = {}
_ids = itertools.count(1)


"gap: shared"


def add_item(book_id: int, count: int = 1) -> dict:
    """Put a book into the cart."""
    raise NotImplementedError("gap: add_item")


def total(items: list, *, credits: float = 0.0) -> float:
    """gap: total"""
    raise NotImplementedError("gap: total")


def clear() -> None:
    """Empty the cart."""
    raise NotImplementedError("gap: clear")


def _known(key: int) -> dict[str, Any]:
    """The item with this id."""
    if key not in _rows:
        raise LookupError(f"there is no item {key}")
    return _rows[key]


@blueprint.post("/cart/<int:book_id>")
def add_item_view(book_id: int) -> Response:
    """Put a book into the cart."""
    given = request.get_json()
    raise NotImplementedError("gap: add_item_view")
    # What follows is rendered, too.


@blueprint.errorhandler(LookupError)
def _not_found(problem: LookupError) -> tuple[Response, int]:
    """Tell what is not there."""
    return jsonify(error=str(problem)), 404
'''

SHARED = Gap("shared", GapKind.SHARED, "What the functions share.")
ADD_ITEM = Gap("add_item", GapKind.BODY, "Adds a book.", "add_item(book_id: int, count: int=1) -> dict")
TOTAL = Gap("total", GapKind.BODY, "Adds it up.", "total(items: list, *, credits: float=0.0) -> float")
CLEAR = Gap("clear", GapKind.BODY, "Empties the cart.", "clear() -> None")
VIEW = Gap("add_item_view", GapKind.BODY, "POST /cart/<int:book_id>: adds a book.")

SKELETON = Skeleton(
    SOURCE, (SHARED, ADD_ITEM, TOTAL, CLEAR, VIEW), {"catalog": frozenset({"find_book", "blueprint"})}
)


def skeleton_of(*names: str, shared: bool = True) -> Skeleton:
    """A module of functions without parameters, each of which is a gap."""
    parts = (
        ['"""A module."""\n', f"\n{placeholder('shared', GapKind.SHARED)}\n"] if shared else ['"""A."""\n']
    )
    parts += [
        f'\n\ndef {name}():\n    """Do it."""\n    {placeholder(name, GapKind.BODY)}\n' for name in names
    ]
    bodies = tuple(Gap(name, GapKind.BODY, "Does it.", f"{name}()") for name in names)
    return Skeleton("".join(parts), (*((SHARED,) if shared else ()), *bodies))


def said(code: str) -> str:
    """`code` as it is asked for."""
    return json.dumps({"code": code})
