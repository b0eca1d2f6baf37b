"""Differences of texts word by word: short, and never silent about one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.words import word_diff

TEXTS = st.text(st.sampled_from("ab, \n"), max_size=40)
LONG = " ".join(f"word{i}" for i in range(5_000))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("the small shop", "the big shop", "the [-small-]{+big+} shop"),
        ("the shop", "the big shop", "the {+big +}shop"),
        ("the big shop", "the shop", "the [-big -]shop"),
        ("", "new", "{+new+}"),
        ("a b", "a  b", "a[- -]{+  +}b"),
        ("end", "end.", "end{+.+}"),
        ("one\ntwo", "one two", "one[-\\n-]{+ +}two"),
        ("x\x1b[31m", "x", "x[-\\x1b[31m-]"),
    ],
)
def test_what_differs_is_marked(before: str, after: str, shown: str) -> None:
    assert word_diff(before, after) == shown


def test_a_few_words_of_context_are_shown_and_no_more() -> None:
    before = "1 2 3 4 5 6 old 7 8 9 10 11 12"
    assert word_diff(before, before.replace("old", "new")) == "3 4 5 6 [-old-]{+new+} 7 8 9 10"


def test_places_beyond_three_are_counted() -> None:
    before = " ".join(f"{i} a b c d e f g h i j k" for i in range(6))
    after = before.replace(" f ", " F ")
    assert word_diff(before, after).count("[-f-]{+F+}") == 3
    assert word_diff(before, after).endswith(" … and 3 more places")


def test_a_difference_far_inside_of_long_texts_is_found_at_once() -> None:
    changed = LONG.replace("word4000 ", "other ")
    assert "[-word4000-]{+other+}" in word_diff(LONG, changed)
    assert word_diff(LONG, LONG) == ""


@given(TEXTS, TEXTS)
def test_it_is_empty_for_equal_texts_and_for_no_others(before: str, after: str) -> None:
    assert (word_diff(before, after) == "") == (before == after)
