"""The pruned diff: the paths are DeepDiff's, and what it does not look at is the same text."""

from __future__ import annotations

import json
import time
from collections import Counter
from random import Random

import pytest
from deepdiff import DeepDiff
from hypothesis import example, given
from hypothesis import strategies as st

from harness.compare import Kind
from harness.compare import pruned_diff as module
from harness.compare.members import Member
from harness.compare.pruned_diff import ORDER, Difference, PrunedDiff, pruned_diff
from tests.async_arch.documents import changed, documents, json_values

Path = tuple[object, ...]
NANS = [[float("nan")] * 3 for _ in range(2)]


def by_place(path: Path) -> None:
    """Every list is told by the places of its members."""


def found(before: object, after: object) -> tuple[Difference, ...]:
    return pruned_diff(before, after, by_place).differences


def places(before: object, after: object) -> Counter[tuple[Kind, Path]]:
    """Kind and path of what differs, but for what differs in nothing but order."""
    told = [(each.kind, each.path) for each in found(before, after)]
    return Counter((kind, path) for kind, path in told if path[-1:] != (ORDER,))


def places_by_deepdiff(before: object, after: object) -> Counter[tuple[Kind, Path]]:
    """The same by DeepDiff alone, over the whole documents."""
    kinds = {"added": Kind.EXTRA, "removed": Kind.MISSING}
    reports = DeepDiff(
        before, after, view="tree", ignore_private_variables=False, threshold_to_diff_deeper=0
    ).items()
    return Counter(
        (kinds.get(report.rpartition("_")[2], Kind.CHANGED), tuple(level.path(output_format="list")))
        for report, levels in reports
        for level in levels
    )


# No two that Python holds for equal: in lists, DeepDiff takes them for the same.
plain = st.sampled_from([None, True, False, 2, 3, 2.5, "", "a", "b", "c", "a\nb", "a\nc", "é\ud800"])
keys = st.sampled_from(["", "a", "b", "__c", "it's", "d.e", "['a']"])
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(plain, max_size=9), st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=20,
)


@st.composite
def edited(draw: st.DrawFn, value: object) -> object:
    """A value that has most in common with `value`."""
    if draw(st.integers(0, 5)) == 0:
        return draw(values)
    if isinstance(value, dict):
        kept = {key: draw(edited(inner)) for key, inner in value.items() if draw(st.integers(0, 5))}
        return {**kept, **draw(st.dictionaries(keys, values, max_size=1))}
    if isinstance(value, list):
        members = [draw(edited(inner)) for inner in value if draw(st.integers(0, 5))]
        place = draw(st.integers(0, len(members)))
        return [*members[:place], *draw(st.lists(plain, max_size=1)), *members[place:]]
    return value


pairs = values.flatmap(lambda value: st.tuples(st.just(value), edited(value)))


@given(pairs)
def test_paths_and_kinds_are_those_of_deepdiff(pair: tuple[object, object]) -> None:
    before, after = ({"all": value} for value in pair)
    assert places(before, after) == places_by_deepdiff(before, after)


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
@example(list("abc"), list("bca"))
def test_lists_of_scalars_are_aligned_as_deepdiff_aligns_them(before: list[str], after: list[str]) -> None:
    assert places(before, after) == places_by_deepdiff(before, after)


anything = documents.flatmap(lambda document: st.tuples(st.just(document), changed(document)))


@given(anything | st.tuples(json_values, json_values))
def test_nothing_differs_where_the_text_is_the_same_and_only_there(pair: tuple[object, object]) -> None:
    before, after = pair
    assert bool(found(before, after)) == (json.dumps(before) != json.dumps(after))
    assert found(before, json.loads(json.dumps(before))) == ()


members = st.dictionaries(keys, values, max_size=5).flatmap(
    lambda named: st.tuples(st.just(named), edited(named).filter(lambda value: isinstance(value, dict)))
)


@given(members, st.randoms(use_true_random=False))
def test_a_keyed_list_differs_as_a_mapping_by_name_does(
    pair: tuple[dict[str, object], dict[str, object]], random: Random
) -> None:
    """Whatever the order of its members."""
    as_lists = [[{"name": name, "holds": value} for name, value in named.items()] for named in pair]
    random.shuffle(as_lists[1])
    as_mappings = [{name: {"name": name, "holds": value} for name, value in named.items()} for named in pair]
    told = pruned_diff(*as_lists, lambda path: None if path else ("name",)).differences
    by_name = [(each.kind, (str(each.path[0]), *each.path[1:])) for each in told]
    assert Counter(place for place in by_name if ORDER not in place[1]) == places_by_deepdiff(*as_mappings)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 2}, Difference(Kind.CHANGED, ("a",), 1, 2)),
        ({"a": 1}, {"a": "1"}, Difference(Kind.CHANGED, ("a",), 1, "1")),
        ({"a": "x\ny"}, {"a": "x\nz"}, Difference(Kind.CHANGED, ("a",), "x\ny", "x\nz")),
        ({"a": [[1], 2]}, {"a": [[1]]}, Difference(Kind.MISSING, ("a", 1), 2, None)),
        ({"a": ["x", "y", "z"]}, {"a": ["x", "z"]}, Difference(Kind.MISSING, ("a", 1), "y", None)),
        ({"a": [1, 2, 3]}, {"a": [1, 2, None, 3]}, Difference(Kind.EXTRA, ("a", 2), None, None)),
        ({"a": {}}, {"a": []}, Difference(Kind.CHANGED, ("a",), {}, [])),
        ({}, {"a": {"b": "c"}}, Difference(Kind.EXTRA, ("a",), None, {"b": "c"})),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], Difference(Kind.CHANGED, (1, "a"), 2, 3)),
        ({"b": 1, "c": 2}, {"c": 2, "b": 1}, Difference(Kind.CHANGED, (ORDER,), "b, c", "c, b")),
        ({"a": [1]}, {"a": [True]}, Difference(Kind.CHANGED, ("a", 0), 1, True)),
        ({"a": [1, 1, 1]}, {"a": [True, 1.0, True]}, Difference(Kind.CHANGED, ("a", 0), 1, True)),
        ({"a": NANS[0], "b": 1}, {"b": 1, "a": NANS[1]}, Difference(Kind.CHANGED, (ORDER,), "a, b", "b, a")),
        ({"a": 0.0}, {"a": -0.0}, Difference(Kind.CHANGED, ("a",), 0.0, -0.0)),
    ],
)  # fmt: skip
def test_a_difference_holds_what_was_there(before: object, after: object, expected: Difference) -> None:
    first, *_ = found(before, after)
    assert repr(first) == repr(expected)


def test_they_come_in_the_order_of_the_document() -> None:
    before = {"a": 1, "b": {"c": 1, "d": 1}, "e": [1, 2, 3, 4], "f": 1}
    after = {"e": [4, 3, 2], "b": {"d": 2, "x": 1}, "f": 2, "new": 1}
    heads = [each.path[0] for each in found(before, after)]
    assert list(dict.fromkeys(heads)) == ["a", "b", "e", "f", "new"]


def large(members: int) -> dict[str, object]:
    return {"all": {str(number): [{"line": number}, {"line": -number}] for number in range(members)}}


def test_deepdiff_is_given_what_differs_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes two steps for a leaf."""
    monkeypatch.setattr(module, "_MOST_STEPS", 3)
    after = json.loads(json.dumps(large(500)))
    after["all"]["250"][1]["line"] = 0
    assert pruned_diff(large(500), after, by_place) == PrunedDiff(
        (Difference(Kind.CHANGED, ("all", "250", 1, "line"), -250, 0),)
    )


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_limit_of_the_library_is_told(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    monkeypatch.setattr(module, "_MOST_STEPS", steps)
    diff = pruned_diff(large(50), {"all": {str(number): [] for number in range(50)}}, by_place)
    assert diff.incomplete == f"the comparison was given up after {steps} steps"
    assert len(diff.differences) <= steps


def test_that_there_is_no_limit_to_speak_of_is_told_too() -> None:
    diff = pruned_diff(large(300), {"all": {str(number): [] for number in range(300)}}, by_place)
    assert diff.incomplete is None
    assert len(diff.differences) == 600


def named(*names: str) -> list[object]:
    return [{"name": name, "holds": number} for number, name in enumerate(names)]


def test_members_of_one_name_are_matched_by_what_they_hold() -> None:
    before, after = named("a", "a", "a", "b"), named("a", "a", "a", "b")
    del after[1]
    assert pruned_diff(before, after, lambda path: ("name",)).differences == (
        Difference(Kind.MISSING, (Member("a", 2),), before[1], None),
    )


def test_many_members_of_one_name_take_no_square_of_their_number() -> None:
    """As a quadratic match, either of these takes many seconds."""
    alike, unlike = ([{"name": "a", "holds": number * step} for number in range(6_000)] for step in (0, 1))
    began_s = time.process_time()
    (extra,) = pruned_diff(alike, [*alike, alike[0]], lambda path: ("name",)).differences
    assert extra.path == (Member("a", 6_001),)
    more = pruned_diff(unlike, unlike[::-1], lambda path: ("name",)).differences
    assert len(more) == 6_000
    assert time.process_time() - began_s < 2


def nested(end: object, levels: int) -> object:
    for level in range(levels):
        end = {"in": end} if level % 2 else [end]
    return end


def test_what_lies_too_deep_differs_without_a_path_and_hides_nothing_else() -> None:
    told = found({"deep": nested("a", 300), "flat": 1}, {"deep": nested("b", 300), "flat": 2})
    assert [each.path for each in told] == [(), ("flat",)]
    assert found(nested("a", 300), nested("a", 300)) == ()
    (named_,) = found(nested("a", 150), nested("b", 150))
    assert (named_.before, named_.after) == ("a", "b")
    assert len(named_.path) == 150
