"""Differences of texts word by word, a few words of context around each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import takewhile

from harness.compare.text import visible

__all__ = ["word_diff"]

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_CONTEXT = 8
_MOST_WORDS = 2_000
_MOST_SHOWN = 40
_MOST_PLACES = 3


def word_diff(before: str, after: str) -> str:
    """Where `after` differs from `before`: `the [-old-]{+new+} shop`, and how many places more.

    Empty where they are equal. Only the 2,000 words from the first difference on are looked at.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    # To match words takes the square of their number: what is alike at both ends is cut off first.
    alike = _alike(zip(old, new, strict=False))
    alike_at_end = min(
        _alike(zip(reversed(old), reversed(new), strict=False)), len(old) - alike, len(new) - alike
    )
    since, left_out = max(0, alike - _CONTEXT), max(0, alike_at_end - _CONTEXT)
    old, new = (words[since : len(words) - left_out][:_MOST_WORDS] for words in (old, new))
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    places = [code for code in codes if code[0] != "equal"]
    shown = [
        f"{_text(old[max(0, i1 - _CONTEXT) : i1])}{_marked('[-', old[i1:i2], '-]')}"
        f"{_marked('{+', new[j1:j2], '+}')}{_text(old[i2 : i2 + _CONTEXT])}"
        for _, i1, i2, j1, j2 in places[:_MOST_PLACES]
    ]
    more = len(places) - len(shown)
    return " … ".join(shown) + (f" … and {more} more place{'s' if more > 1 else ''}" if more else "")


def _alike(pairs: Iterable[tuple[str, str]]) -> int:
    """How many of `pairs` are alike before the first that is not."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _marked(begin: str, words: list[str], end: str) -> str:
    if not words:
        return ""
    cut = "…" if len(words) > _MOST_SHOWN else ""
    return f"{begin}{_text(words[:_MOST_SHOWN])}{cut}{end}"


def _text(words: list[str]) -> str:
    # White space that differs is what is to be seen; elsewhere it would only break the line.
    return "".join(visible(word) if not word.isspace() or word != " " else word for word in words)
