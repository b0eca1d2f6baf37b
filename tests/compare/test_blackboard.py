"""The blackboard layer: times of the run are hidden and nothing else; what differs is named by its path."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare import Kind, Mismatch
from harness.compare.blackboard import compare_blackboards
from harness.compare.normalisation import Normaliser
from harness.record import RunRecord
from tests.compare.records import BOARD, board, make_record

Board = dict[str, Any]

RECORD = make_record(Path("/nowhere"), files={})


def record(blackboard: Board | None) -> RunRecord:
    return RunRecord(RECORD.summary, (), (), blackboard, RECORD.folder)


def compared(ours: Board | None, theirs: Board | None) -> list[Mismatch]:
    control, candidate = record(ours), record(theirs)
    return list(compare_blackboards(control, candidate, Normaliser(control, candidate)).mismatches)


def changed(*path: str | int, to: object) -> Board:
    """The blackboard with another value at `path`."""
    whole = board()
    node: Any = whole
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = to
    return whole


def without(*path: str | int) -> Board:
    """The blackboard without what is at `path`."""
    whole = board()
    node: Any = whole
    for part in path[:-1]:
        node = node[part]
    del node[path[-1]]
    return whole


def leaves(value: object, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The paths of everything in `value` that holds nothing else."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [leaf for key, item in inner for leaf in leaves(item, *path, key)]
    yield from below or [path]


LEAVES = list(leaves(BOARD))
TIMES = [path for path in LEAVES if path[-1] in ("timestamp", "created_at")]


@pytest.mark.parametrize("path", TIMES, ids=str)
def test_a_timestamp_may_differ(path: tuple[str | int, ...]) -> None:
    """Within its run, and whatever its zone; what lies beyond is for the tests of normalisation."""
    assert compared(board(), changed(*path, to="2024-05-01T15:30:09+05:30")) == []


@pytest.mark.parametrize("path", [path for path in LEAVES if path not in TIMES], ids=str)
def test_everything_else_may_not(path: tuple[str | int, ...]) -> None:
    """A rule that hides more than timestamps turns one of these red."""
    for other in ("2031-12-31T23:59:59+00:00", 17, ["x"], True):
        (mismatch, *_) = compared(board(), changed(*path, to=other))
        assert str(path[0]) in mismatch.path


@pytest.mark.parametrize("path", TIMES, ids=str)
@pytest.mark.parametrize("other", ["", "yesterday", None, 1714557600, []])
def test_what_stands_for_a_timestamp_and_is_none_differs(path: tuple[str | int, ...], other: object) -> None:
    assert compared(board(), changed(*path, to=other))


@pytest.mark.parametrize("path", TIMES, ids=str)
def test_a_timestamp_that_is_left_out_differs(path: tuple[str | int, ...]) -> None:
    assert compared(board(), without(*path))


def test_a_key_called_like_a_timestamp_elsewhere_is_no_timestamp() -> None:
    """A module may be called `timestamp`."""
    ours = board(modules={"timestamp": {"filename": "a.py", "created_at": "2024-05-01"}})
    theirs = board(modules={"timestamp": {"filename": "b.py", "created_at": "2024-05-02"}})
    assert {m.path for m in compared(ours, theirs)} == {
        "modules[timestamp][filename]",
        "modules[timestamp][created_at]",
    }


MISSING = {
    ("architecture", "modules", 0): "architecture[modules][Users]",
    ("modules", "Cart"): "modules[Cart]",
    ("files_created", 1): "files_created[cart.py]",
    ("api_registry", "Cart"): "api_registry[Cart]",
    ("api_registry", "Cart", "functions", 0): "api_registry[Cart][functions][add(item: str)]",
    ("api_registry", "Cart", "routes", 0): "api_registry[Cart][routes][GET /cart]",
    ("agent_attempts", 1): "agent_attempts[developer Cart 1]",
    ("agent_attempts", 0): "agent_attempts[analyst 1]",
    ("logs", 0): "logs[info planned 3 modules]",
    ("agent_reasoning", 1): "agent_reasoning[reviewer Cart (2)]",
    ("logs",): "logs",
    ("project_info", "status"): "project_info[status]",
}


@pytest.mark.parametrize("path", MISSING, ids=str)
def test_what_is_missing_is_one_mismatch_that_names_it(path: tuple[str | int, ...]) -> None:
    """What stood behind it in a list must not look changed."""
    (missing,) = compared(board(), without(*path))
    assert (missing.kind, missing.path) == (Kind.MISSING, MISSING[path])
    assert missing.sentence.startswith(f"{MISSING[path]} is missing in the candidate (control: ")
    (extra,) = compared(without(*path), board())
    assert (extra.kind, extra.path) == (Kind.EXTRA, MISSING[path])
    assert extra.sentence.startswith(f"{MISSING[path]} is only in the candidate (")


@pytest.mark.parametrize("place", range(5))
def test_an_attempt_noted_twice_is_one_mismatch(place: int) -> None:
    """Also where others of the same agent and number come before or after it."""
    theirs = board()
    theirs["agent_attempts"].insert(place, copy.deepcopy(theirs["agent_attempts"][place]))
    (extra,) = compared(board(), theirs)
    assert extra.kind is Kind.EXTRA
    attempt = theirs["agent_attempts"][place]
    assert f"agent_attempts[{attempt['agent']}" in extra.path


def test_a_changed_text_is_told_by_its_first_line_that_differs() -> None:
    theirs = changed("agent_attempts", 1, "input", to="do it as developer\nbut well")
    (mismatch,) = compared(board(), theirs)
    assert mismatch.path == "agent_attempts[developer Cart 1][input]"
    assert mismatch.sentence.endswith("[input] differs: before line 2 is added: “but well”")


def test_long_texts_on_one_line_are_told_apart() -> None:
    ours, theirs = (changed("project_info", "idea", to="x" * 200 + word) for word in ("one", "two"))
    (mismatch,) = compared(ours, theirs)
    assert "one" in mismatch.sentence
    assert "two" in mismatch.sentence


@pytest.mark.parametrize("section", ["modules", "api_registry", "files_created", "agent_attempts", "logs"])
def test_another_order_is_a_mismatch_that_says_so(section: str) -> None:
    """Equal means the same text: an engine that sorts by completion would else go unseen."""
    value = BOARD[section]
    turned = dict(reversed(value.items())) if isinstance(value, dict) else value[::-1]
    found = compared(board(), board(**{section: turned}))
    assert found
    assert all(m.path.startswith(section) for m in found)
    if section != "agent_attempts":
        (mismatch,) = found
        assert (mismatch.kind, mismatch.path) == (Kind.CHANGED, f"{section}[order]")


def test_another_order_of_the_sections_is_a_mismatch() -> None:
    (mismatch,) = compared(board(), dict(reversed(board().items())))
    assert mismatch.path == "order"


@pytest.mark.parametrize(
    "key", ["it's", 'say "x"', "a[0]", "['a']", "][", "__dunder__", "", "é\u2028漢", "a.b"]
)
def test_keys_with_quotes_and_brackets_are_named_as_they_are(key: str) -> None:
    ours, theirs = (board(modules={key: {"filename": name}}) for name in ("a.py", "b.py"))
    (mismatch,) = compared(ours, theirs)
    assert mismatch.path == f"modules[{key}][filename]".replace("\u2028", r"\u2028")
    assert mismatch.sentence.endswith("is “b.py” instead of “a.py”")
    (missing,) = compared(ours, board(modules={}))
    assert missing.path == f"modules[{key}]".replace("\u2028", r"\u2028")


def test_a_message_that_looks_like_a_numbered_other_hides_nothing() -> None:
    """`a (2)` is a message of its own, and not the second `a`."""
    logs = [{"level": "", "message": text} for text in ("a", "a", "a (2)")]
    for place in range(3):
        left = [entry for i, entry in enumerate(logs) if i != place]
        assert len(compared(board(logs=logs), board(logs=left))) == 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(1, 1.0), (1, True), (0, False), (0.0, -0.0), ("1", 1), ([], {}), (None, "")],
    ids=str,
)
def test_values_that_python_holds_for_equal_differ(ours: object, theirs: object) -> None:
    assert compared(board(extra=ours), board(extra=theirs))


def test_a_section_of_another_shape_is_a_mismatch_and_no_crash() -> None:
    for section in BOARD:
        for value in (None, 3, "text", [], {}, [[1]], [{"a": 1}], {"a": [1]}):
            if value != BOARD[section]:
                assert compared(board(), board(**{section: value})), (section, value)


def test_what_nests_too_deep_to_be_walked_through_still_differs() -> None:
    def deep(end: str, levels: int) -> Any:
        value: Any = end
        for _ in range(levels):
            value = {"in": value}
        return value

    assert compared(board(extra=deep("a", 100)), board(extra=deep("a", 100))) == []
    assert compared(board(extra=deep("a", 100)), board(extra=deep("b", 100)))
    (mismatch,) = compared(board(extra=deep("a", 500)), board(extra=deep("b", 500)))
    assert mismatch.sentence == "the blackboards differ"


@pytest.mark.parametrize(
    ("ours", "theirs", "kind", "words"),
    [
        (BOARD, None, Kind.MISSING, "the candidate left no blackboard that can be read"),
        (None, BOARD, Kind.EXTRA, "the control left no blackboard that can be read"),
        (BOARD, {}, Kind.MISSING, "project_info is missing in the candidate"),
    ],
)
def test_a_blackboard_that_only_one_left_is_a_mismatch(
    ours: Board | None, theirs: Board | None, kind: Kind, words: str
) -> None:
    first = compared(ours, theirs)[0]
    assert first.kind is kind
    assert words in first.sentence


def test_two_that_left_none_do_not_differ_here() -> None:
    """That there is nothing to compare is the verdict's to say."""
    assert compared(None, None) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
SECTIONS = st.dictionaries(st.sampled_from(["logs", "agent_attempts", "files_created", "other"]), JSON)


@given(SECTIONS, SECTIONS)
def test_equal_here_is_the_same_json_text(ours: Board, theirs: Board) -> None:
    """For any two documents without timestamps: a mismatch if and only if their texts differ."""
    assert bool(compared(ours, theirs)) == (json.dumps(ours) != json.dumps(theirs))
    assert compared(ours, json.loads(json.dumps(ours))) == []
