"""HTML, CSS and JavaScript by their structure."""

from __future__ import annotations

import re

from harness.compare.files.change import LAYOUT, Change
from harness.compare.files.markup_tokens import Attributes, Token, Words, html_tokens, script_tokens
from harness.compare.mismatch import Severity

__all__ = ["html_change", "script_change"]

# The grammar reads over line ends that JavaScript forbids.
_FORBIDDEN_BREAK = re.compile(r"\bthrow[^\S\n]*\n|\n\s*=>")


def html_change(before: str, after: str) -> Change | None:
    """How one page or template became another; None where one of them cannot be parsed."""
    old, new = html_tokens(before), html_tokens(after)
    if old is None or new is None:
        return None
    if old == new:
        return LAYOUT
    if _unordered(old) == _unordered(new):
        return Change(Severity.COSMETIC, " in the order of attributes only")
    if _unordered(_wordless(old)) == _unordered(_wordless(new)):
        return Change(Severity.MINOR, " in its words only")
    return Change(Severity.MAJOR)


def script_change(language: str, before: str, after: str) -> Change | None:
    """How one style sheet or script became another; None where one of them cannot be parsed."""
    if language == "javascript" and any(_FORBIDDEN_BREAK.search(text) for text in (before, after)):
        return None
    old, new = script_tokens(language, before), script_tokens(language, after)
    if old is None or new is None:
        return None
    return LAYOUT if old == new else Change(Severity.MAJOR)


def _unordered(tokens: list[Token]) -> list[Token]:
    return [token.sorted() if isinstance(token, Attributes) else token for token in tokens]


def _wordless(tokens: list[Token]) -> list[Token]:
    return [token for token in tokens if not isinstance(token, Words)]
