"""Texts made from regular expressions are matched by them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.simulated.schema.pattern import text_matching

PATTERNS = [
    r"^[a-z]+$",
    r"^\d{3}-\d{4}$",
    r"^(foo|bar)_\w{2,}$",
    r"^#[0-9a-fA-F]{6}$",
    r"[^a-z]",
    r"^[^\W\d_]+$",
    r"^v\d+\.\d+(?:\.\d+)?$",
    r"^[\w.-]+@[\w-]+\.[a-z]{2,}$",
    r"^\S+\s\S*$",
    r"^[\u4e00-\u9fff]+$",
    r"^(a+)+$",
    r"^$",
    r"(?i)^abc.x$",
    r"^[A-Z]{2}\d++$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_is_matched(pattern: str) -> None:
    """Whatever the chance."""
    for chance in range(30):
        text = text_matching(pattern, 0, None, chance)
        assert text is not None
        assert re.search(pattern, text)


@pytest.mark.parametrize("pattern", [r"(?=x)y", r"(a)\1", "(", "a" * 3000, r"[^\s\S]", "(?P<x"])
def test_what_cannot_be_made_is_not_made(pattern: str) -> None:
    """References, looking ahead, and what is no expression."""
    assert text_matching(pattern, 0, None, 1) is None


def test_repetitions_are_used_to_reach_a_length() -> None:
    """And left out where the text would be too long."""
    assert len(text_matching("^[a-z]+$", 20, 40, 1) or "") in range(20, 41)
    assert text_matching("^a{0,5}$", 0, 0, 1) == ""
    assert text_matching("^a{3}$", 0, 1, 1) == "aaa"


def test_chance_makes_other_texts() -> None:
    """For two requests."""
    assert text_matching("^[a-z]{9}$", 0, None, 1) != text_matching("^[a-z]{9}$", 0, None, 2)


@given(st.text(alphabet="ab|()[]{}^$.*+?\\d,1-:=!<>P", max_size=12))
def test_no_expression_makes_it_fail(pattern: str) -> None:
    """Nor takes long."""
    text_matching(pattern, 0, 50, 1)
