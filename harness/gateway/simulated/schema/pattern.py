"""Texts that a regular expression matches, made from its parts; for expressions of the usual kinds."""

from __future__ import annotations

import re
import string
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

# The parser of `re` has no public name; a second one would be longer than all of this.
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

__all__ = ["matches", "text_matching"]

_Part = tuple[Any, Any]

_ALPHABET = string.ascii_lowercase + string.digits + string.ascii_uppercase + " -_./:,;@#äé€"
_LONGEST_PATTERN = 2000
_LONGEST = 10_000
_GROWTH = (1, 2, 3, 4, 8, 16, 32, 64, 128, 512, 2048)
_STRIDE = 7


def text_matching(pattern: str, shortest: int, longest: int | None, chance: int) -> str | None:
    """A text that `pattern` matches, of a length within the bounds if one is found; None where none is made.

    What the expression looks ahead or back to is beyond this, and so it gives None.
    """
    if len(pattern) > _LONGEST_PATTERN:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            parts = parser.parse(pattern)
        # A little more than the least at first: `[a-z]*` would otherwise be nothing at all.
        for more in _GROWTH:
            text = _Making(chance, more).of(parts)
            if len(text) >= shortest:
                break
        if longest is not None and len(text) > longest:
            text = _Making(chance, 0).of(parts)
    except (re.error, OverflowError, RecursionError, _Beyond):
        return None
    return text


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` matches `text`, which must be short: some expressions take exponential time."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return re.search(pattern, text) is not None
    except (re.error, OverflowError, RecursionError):
        return False


class _Beyond(Exception):
    """A part of an expression for which no text is made."""


@dataclass
class _Making:
    """The making of one text: repetitions go `more` times beyond their least number."""

    chance: int
    more: int
    length: int = 0
    fitting: dict[object, str] = field(default_factory=dict)

    def of(self, parts: Iterable[_Part]) -> str:
        return "".join(self._text(code, value) for code, value in parts)

    def _text(self, code: Any, value: Any) -> str:
        match code:
            case codes.AT:
                return ""
            case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
                least, most, inner = value
                return "".join(self.of(inner) for _ in range(min(int(most), int(least) + self.more)))
            case codes.SUBPATTERN:
                return self.of(value[-1])
            case codes.ATOMIC_GROUP:
                return self.of(value)
            case codes.BRANCH:
                branches = value[1]
                return self.of(branches[self.chance % len(branches)])
            case codes.IN:
                return self._character(id(value), value)
        return self._character((code, value), [(code, value)])

    def _character(self, key: object, allowed: Sequence[_Part]) -> str:
        self.length += 1
        if self.length > _LONGEST:
            raise _Beyond
        if key not in self.fitting:
            self.fitting[key] = _fitting(allowed)
        fitting = self.fitting[key]
        return fitting[(self.chance + self.length * _STRIDE) % len(fitting)]


def _fitting(allowed: Sequence[_Part]) -> str:
    """The characters that may stand there: letters and digits if there are any, as people would write."""
    excluded = allowed[0][0] is codes.NEGATE
    rest = allowed[1:] if excluded else allowed
    found = [c for c in _ALPHABET + _named(rest) if any(_is_one(*part, c) for part in rest) is not excluded]
    plain = [c for c in found if c.isascii() and c.isalnum()]
    if not found:
        raise _Beyond
    return "".join(plain or found)


def _is_one(code: Any, value: Any, character: str) -> bool:
    match code:
        case codes.LITERAL:
            return bool(value == ord(character))
        case codes.NOT_LITERAL:
            return bool(value != ord(character))
        case codes.ANY:
            return True
        case codes.RANGE:
            low, high = value
            return bool(low <= ord(character) <= high)
        case codes.CATEGORY:
            return re.match(_CATEGORIES[value], character) is not None
    raise _Beyond


def _named(allowed: Sequence[_Part]) -> str:
    """The characters that are named themselves or begin a range."""
    literals = [value for code, value in allowed if code is codes.LITERAL]
    starts = [value[0] for code, value in allowed if code is codes.RANGE]
    return "".join(chr(number) for number in [*literals, *starts])


_CATEGORIES = {
    codes.CATEGORY_DIGIT: r"[0-9]",
    codes.CATEGORY_NOT_DIGIT: r"[^0-9]",
    codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"[A-Za-z0-9_]",
    codes.CATEGORY_NOT_WORD: r"[^A-Za-z0-9_]",
}
