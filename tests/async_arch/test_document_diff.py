"""Differences of documents: whatever stood there before, afterwards it is the new document to the byte."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_arch.document_diff import Difference, difference
from async_arch.stored_document import Item, Kind, Stored, StoredDocument, StoredSection, dumped
from tests.async_arch.documents import DEEP, changed, documents


def _stored(document: dict[str, object]) -> StoredDocument:
    return _with_ids(difference(StoredDocument(), document), 0)


def _with_ids(done: Difference, first: int) -> StoredDocument:
    for number, item in enumerate(done.appended, first):
        item.ident = b"%d-0" % number
    return done.document


def _codes(done: Difference) -> list[str]:
    return [write.code.decode() for write in done.writes]


@given(st.data())
def test_the_difference_of_any_two_documents_is_exact(data: st.DataObject) -> None:
    before = data.draw(documents)
    after = data.draw(st.one_of(changed(before), documents))
    stored = _stored(before)
    untouched = copy.deepcopy(stored)
    done = difference(stored, after)
    assert dumped(done.document.value) == dumped(after)
    assert stored == untouched
    again = difference(_with_ids(done, 1000), after)
    assert again.writes == []


@given(documents)
def test_what_does_not_change_is_not_written(document: dict[str, object]) -> None:
    assert difference(_stored(document), document).writes == []


BOARD: dict[str, Any] = {
    "project_info": {"idea": "a shop", "status": "building"},
    "modules": {"Cart": {"filename": "cart.py", "spec": "items"}, "Users": {"filename": "users.py"}},
    "agent_attempts": [{"n": number, "output": "x" * 100} for number in range(50)],
    "logs": ["a", "b", "a", "c"],
}


def _change(**sections: object) -> Difference:
    return difference(_stored(BOARD), {**BOARD, **sections})


def test_a_field_of_a_module_is_one_write() -> None:
    modules = {"Cart": {"filename": "cart.py", "spec": "more items"}, "Users": {"filename": "users.py"}}
    done = _change(modules=modules)
    assert _codes(done) == ["F"]
    assert done.writes[0].args[:3] == (b"modules", b"Cart", b"spec")


def test_an_item_at_the_end_is_one_write() -> None:
    assert _codes(_change(agent_attempts=[*BOARD["agent_attempts"], {"n": 50}])) == ["A"]


def test_a_list_that_drops_its_oldest_for_a_new_one_is_two_writes() -> None:
    """As logs of bounded length do."""
    assert _codes(_change(agent_attempts=[*BOARD["agent_attempts"][1:], {"n": 50}])) == ["R", "A"]


def test_an_item_that_moved_is_taken_and_put() -> None:
    attempts = BOARD["agent_attempts"]
    assert _codes(_change(agent_attempts=[attempts[-1], *attempts[:-1]])) == ["R", "A"]


def test_items_that_go_between_others_leave_those_alone() -> None:
    attempts = BOARD["agent_attempts"]
    assert _codes(_change(agent_attempts=[*attempts[:20], {"n": -1}, {"n": -2}, *attempts[20:]])) == [
        "A",
        "A",
    ]


def test_a_place_with_no_room_left_is_written_with_room() -> None:
    """Between two neighbours, place after place, there is an end; the document stays exact all the same."""
    values: list[object] = ["first", "last"]
    stored = _stored({"logs": values})
    rewritten = 0
    for number in range(60):
        values = [values[0], number, *values[1:]]
        done = difference(stored, {"logs": values})
        rewritten += len(done.writes) > 1
        stored = _with_ids(done, 100 * (number + 1))
        assert stored.value == {"logs": values}
    assert 1 <= rewritten <= 6


def _set_of(*texts: str) -> StoredDocument:
    """A list of paths as tasks write them: one that was written twice stands twice and counts once."""
    items = [Item(Stored(place, dumped(text)), b"%d-0" % place) for place, text in enumerate(texts)]
    return StoredDocument(1, {b"files_created": StoredSection(0, Kind.SET, items=items)})


def test_the_double_of_a_path_is_left_alone_with_the_path_and_goes_with_it() -> None:
    stored = _set_of("a.py", "b.py", "a.py")
    assert difference(stored, {"files_created": ["a.py", "b.py"]}).writes == []
    without = difference(stored, {"files_created": ["b.py"]})
    assert _codes(without) == ["R", "R"]
    assert without.document.value == {"files_created": ["b.py"]}


@pytest.mark.parametrize(
    ("one", "other"), [(1, 1.0), (1, True), (0, False), (0, -0.0), ("1", 1), ([], {}), (None, 0)]
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"k": v}, lambda v: {"k": {"f": v}}])
def test_what_python_calls_equal_and_json_does_not_is_told_apart(
    one: object, other: object, wrap: Any
) -> None:
    done = difference(_stored({"s": wrap(one)}), {"s": wrap(other)})
    assert done.writes
    assert dumped(done.document.value) == dumped({"s": wrap(other)})


@pytest.mark.parametrize(
    "value", [DEEP, "x" * 5_000_000, {"": {"": [""]}}, "\ud800", {"\udfff": {"\ud800": "\x00"}}]
)
def test_extremes_are_exact(value: object) -> None:
    done = difference(_stored(BOARD), {**BOARD, "logs": [value], "": value})
    assert dumped(done.document.value) == dumped({**BOARD, "logs": [value], "": value})
