"""Differences of texts as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.compare.text import first_difference, one_line, shortened, told_apart, visible

WORDS = st.text(max_size=5) | st.sampled_from([" ", "\t", "\r", "x" * 120])
LINES = st.lists(st.lists(WORDS, max_size=3).map("".join), max_size=6).map("\n".join)


@pytest.mark.parametrize(
    ("control", "candidate", "sentence"),
    [
        ("a\nb\nc", "a\nc", "line 2 is missing: “b”"),
        ("a\nb\nc\nd", "a\nd", "line 2 is missing: “b” and 1 more"),
        ("a\nc", "a\nb\nc", "before line 2 is added: “b”"),
        ("a\nb", "a\nx", "line 2 is “x” instead of “b”"),
        ("a", "", "line 1 is “” instead of “a”"),
        ("a\n", "a", "line 2 is missing: “”"),
        ("    return 1", "  return 1", "line 1 is “  return 1” instead of “    return 1”"),
        ("a b", "a\tb", r"line 1 is “a\tb” instead of “a b”"),
        ("a b", "a\u00a0b", r"line 1 is “a\xa0b” instead of “a b”"),
        ("a\nb", "a\u2028b", r"line 1 is “a\u2028b” instead of “a” and 1 more"),
        ("same\r\n", "same\n", r"line 1 is “same” instead of “same\r”"),
    ],
)
def test_the_first_difference_is_told_in_one_sentence(control: str, candidate: str, sentence: str) -> None:
    assert str(first_difference(control, candidate)) == sentence


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x" * 300 + "one" + "y" * 300, "x" * 300 + "two" + "y" * 300),
        ("x" * 150, "x" * 300),
        ("\a" + "x" * 150, r"\x07" + "x" * 150),
    ],
)
def test_long_lines_are_cut_so_that_the_difference_is_in_sight(before: str, after: str) -> None:
    """Both sides would read the same if they were cut off at their beginning."""
    one, other = told_apart(before, after)
    assert one != other
    assert max(len(one), len(other)) <= 102


@given(LINES, LINES)
def test_two_sides_never_read_the_same(control: str, candidate: str) -> None:
    """Whatever differs, the sentence shows it: white space, control characters, blank lines before it."""
    if control == candidate:
        return
    where = first_difference(control, candidate)
    old, new = control.split("\n"), candidate.split("\n")
    start = where.line - 1
    assert old[:start] == new[:start]
    assert tuple(old[start : start + len(where.control)]) == where.control
    assert tuple(new[start : start + len(where.candidate)]) == where.candidate
    if where.control and where.candidate:
        before, after = str(where).removeprefix(f"line {where.line} is ").split(" instead of ", 1)
        assert before != after


def test_long_repetitive_texts_take_a_bounded_number_of_lines() -> None:
    """The matcher is quadratic where lines repeat: only a window of them may reach it."""
    where = first_difference("a\n" * 10_000, "b\n" * 10_000)
    assert (where.line, len(where.control)) == (1, 500)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünï 漢字 🙂", "plain ünï 漢字 🙂"),
        ("red \x1b[31m", r"red \x1b[31m"),
        ("bell\a", r"bell\x07"),
        ("turned \u202e round", r"turned \u202e round"),
        ("half \ud800", r"half \ud800"),
        ("a\nb", r"a\nb"),
    ],
)
def test_what_cannot_be_seen_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_text_on_one_line_is_cut_with_a_mark() -> None:
    assert one_line("  a\n\tb  ") == "a b"
    assert shortened("a" * 200, 10) == "a" * 9 + "…"
    assert shortened("a" * 10, 10) == "a" * 10


def test_equal_texts_are_not_shortened_to_nothing() -> None:
    assert told_apart("a", "a") == ("“a”", "“a”")
