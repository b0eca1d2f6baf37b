"""Drifts: none where two documents are written down alike, and otherwise each with path and both values."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_arch.stored_document import dumped
from harness.state.drift import MISSING, Drift, DriftKind, find_drifts
from tests.async_arch.documents import DEEP, changed, documents, json_values, nested
from tests.state.projects import BOARD, board

CHANGED, EXTRA, ORDER = DriftKind.CHANGED, DriftKind.EXTRA, DriftKind.ORDER


@given(documents)
def test_no_drift_is_reported_of_equal_documents(document: dict[str, object]) -> None:
    assert find_drifts(document, copy.deepcopy(document)) == []


@given(st.data())
def test_whatever_is_written_down_otherwise_is_a_drift(data: st.DataObject) -> None:
    file = data.draw(documents)
    redis = data.draw(st.one_of(changed(file), documents))
    assert bool(find_drifts(file, redis)) == (dumped(file) != dumped(redis))


@given(st.data())
def test_a_seeded_drift_is_found_with_path_and_both_values(data: st.DataObject) -> None:
    """Anywhere in a blackboard, whatever value stands there instead."""
    seeded = board()
    path, holder, key = data.draw(st.sampled_from(list(_leaves(seeded, ""))))
    was = holder[key]
    holder[key] = data.draw(json_values.filter(lambda value: dumped(value) != dumped(was)))
    if isinstance(was, (dict, list)) and type(was) is type(holder[key]):
        # There, what is in it drifts.
        drifts = find_drifts(BOARD, seeded)
        assert drifts
        assert all(drift.path.startswith(path) for drift in drifts)
    else:
        assert find_drifts(BOARD, seeded) == [Drift(CHANGED, path, was, holder[key])]


@given(st.data())
def test_what_is_missing_or_extra_anywhere_is_found(data: st.DataObject) -> None:
    less = board()
    path, holder, key = data.draw(st.sampled_from(list(_leaves(less, ""))))
    was = holder[key]
    del holder[key]
    assert find_drifts(BOARD, less) == [Drift(DriftKind.MISSING, path, was, MISSING)]
    assert find_drifts(less, BOARD) == [Drift(EXTRA, path, MISSING, was)]


def _leaves(value: Any, path: str) -> Any:
    """Path, holder and key of every value in a blackboard."""
    keys = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(keys):
        below = f"{path}[{key}]" if isinstance(value, list) else f"{path}.{key}" if path else key
        yield below, value, key
        if isinstance(inner, (dict, list)):
            yield from _leaves(inner, below)


def test_an_item_that_is_missing_does_not_make_all_that_follow_look_changed() -> None:
    attempts = BOARD["agent_attempts"]
    redis = board(agent_attempts=[*attempts[:3], *attempts[4:9], {"new": 1}, *attempts[9:]])
    assert find_drifts(BOARD, redis) == [
        Drift(DriftKind.MISSING, "agent_attempts[3]", attempts[3], MISSING),
        Drift(EXTRA, "agent_attempts[8]", MISSING, {"new": 1}),
    ]


def test_an_item_that_stands_elsewhere_is_a_matter_of_order() -> None:
    attempts = BOARD["agent_attempts"]
    redis = board(agent_attempts=[*attempts[1:6], attempts[0], *attempts[6:]])
    assert find_drifts(BOARD, redis) == [Drift(ORDER, "agent_attempts[0]", 0, 5)]


def test_a_key_that_stands_elsewhere_is_a_matter_of_order() -> None:
    sections = list(BOARD.items())
    redis = dict([*sections[1:], sections[0]])
    assert find_drifts(BOARD, redis) == [Drift(ORDER, "project_info", 0, 6)]


def test_a_key_that_stands_elsewhere_because_another_is_missing_is_none() -> None:
    redis = {key: value for key, value in BOARD.items() if key != "project_info"}
    assert [drift.kind for drift in find_drifts(BOARD, redis)] == [DriftKind.MISSING]


def test_an_item_that_is_there_twice_is_one_too_many() -> None:
    assert find_drifts({"logs": ["a", "b"]}, {"logs": ["a", "b", "a"]}) == [
        Drift(EXTRA, "logs[2]", MISSING, "a")
    ]


@pytest.mark.parametrize(
    ("file", "redis"),
    [(1, 1.0), (1, True), (0, False), (0.0, -0.0), ("1", 1), ([], {}), (None, 0), ("é", "e\u0301")],
)
def test_what_python_calls_equal_and_json_does_not_is_told_apart(file: object, redis: object) -> None:
    for wrap in (lambda v: {"s": v}, lambda v: {"s": [v]}, lambda v: {"s": {"k": v}}):
        [drift] = find_drifts(wrap(file), wrap(redis))
        assert (repr(drift.file), repr(drift.redis)) == (repr(file), repr(redis))


def test_any_key_is_told_by_a_path_that_is_no_other_keys() -> None:
    keys = ["a", "a.b", "a[0]", "", "ä", 'say "x"', "0", "\n", "\ud800"]
    drifts = find_drifts({"s": dict.fromkeys(keys, 1)}, {"s": dict.fromkeys(keys, 2)})
    assert len({drift.path for drift in drifts}) == len(keys)
    assert drifts[0].path == "s.a"
    assert drifts[1].path == 's["a.b"]'


@pytest.mark.parametrize("depth", [50, 400])
def test_depth_is_no_hindrance(depth: int) -> None:
    assert find_drifts({"s": nested(depth)}, {"s": nested(depth)}) == []
    assert find_drifts({"s": {"k": nested(depth)}}, {"s": {"k": nested(depth + 2)}})


def test_a_value_deep_down_is_named() -> None:
    other = copy.deepcopy(DEEP)
    inner: Any = other
    while not isinstance(inner, list) or inner[0] != "bottom":
        inner = inner[0] if isinstance(inner, list) else next(iter(inner.values()))
    inner[0] = "other"
    [drift] = find_drifts({"s": DEEP}, {"s": other})
    assert (drift.file, drift.redis) == ("bottom", "other")


def test_thousands_of_drifts_are_all_found() -> None:
    items = [{"n": number, "text": "x" * 100} for number in range(4000)]
    others = [{**item, "text": "y" * 100} for item in items]
    assert len(find_drifts({"logs": items}, {"logs": others})) == 4000
    assert len(find_drifts({"logs": items}, {"logs": items[::-1]})) >= 3999
    assert len(find_drifts({"logs": ["same"] * 4000}, {"logs": ["same", "else"] * 2000})) >= 2000


def test_a_drift_is_plain_data_without_what_is_missing() -> None:
    assert Drift(DriftKind.MISSING, "a", None, MISSING).as_json() == {
        "kind": "missing",
        "path": "a",
        "file": None,
    }
    assert "file" not in Drift(EXTRA, "a", MISSING, 1).as_json()
