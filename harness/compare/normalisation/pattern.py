"""The values in a text that a rule is about: the text whole, or what a regular expression finds in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

__all__ = ["replaced_in", "values_in"]


def values_in(text: str, pattern: str | None) -> list[str]:
    """The values that `pattern` finds in `text`; without a pattern `text` itself."""
    return [text] if pattern is None else [match[_group(match)] for match in _matches(text, pattern)]


def replaced_in(text: str, pattern: str | None, word: Callable[[str], str | None]) -> tuple[str, int]:
    """`text` with a `word` in the place of each value that has one, and how many had."""
    if pattern is None:
        whole = word(text)
        return (text, 0) if whole is None else (whole, 1)
    parts: list[str] = []
    count = end = 0
    for match in _matches(text, pattern):
        new = word(match[_group(match)])
        if new is not None:
            start, after = match.span(_group(match))
            parts += (text[end:start], new)
            end = after
            count += 1
    return "".join((*parts, text[end:])), count


def _matches(text: str, pattern: str) -> Iterator[re.Match[str]]:
    """The matches that have a value."""
    return (match for match in re.finditer(pattern, text, re.MULTILINE) if match[_group(match)])


def _group(match: re.Match[str]) -> int:
    return 1 if match.re.groups else 0
