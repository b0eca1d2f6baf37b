"""Differences of texts, line by line, short enough to be read and never the same on both sides."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

__all__ = ["LineDifference", "first_difference", "one_line", "shortened", "told_apart", "visible"]

_MOST_LINES = 500
_LENGTH = 100
_CONTEXT = 30
_BLANKS = re.compile(r"[ \t\n\r\f\v]+")


@dataclass(frozen=True, slots=True)
class LineDifference:
    """The first place where two texts differ; lines are counted from 1 in the control."""

    line: int
    control: tuple[str, ...]
    candidate: tuple[str, ...]
    elsewhere: int = 0
    """How many more places differ; 0 too where that was not looked for to the end."""

    def __str__(self) -> str:
        before, after = told_apart(*_first(self.control, self.candidate))
        if not self.candidate:
            return f"line {self.line} is missing: {before}{_more(self.control)}"
        if not self.control:
            return f"before line {self.line} is added: {after}{_more(self.candidate)}"
        return f"line {self.line} is {after}{_more(self.candidate)} instead of {before}{_more(self.control)}"


def first_difference(control: str, candidate: str) -> LineDifference:
    """Where two different texts first differ, as lines missing, added or changed.

    Only a newline ends a line: other separators are characters that can differ.
    """
    old, new = control.split("\n"), candidate.split("\n")
    start = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    # Equal beginnings are cut off first; what is left is bounded, as the matcher's time is quadratic.
    whole = max(len(old), len(new)) <= start + _MOST_LINES
    old, new = old[start : start + _MOST_LINES], new[start : start + _MOST_LINES]
    opcodes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    places = [places for tag, *places in opcodes if tag != "equal"]
    if not places:
        return LineDifference(start + 1, (), ())
    i1, i2, j1, j2 = places[0]
    elsewhere = len(places) - 1 if whole else 0
    return LineDifference(start + i1 + 1, tuple(old[i1:i2]), tuple(new[j1:j2]), elsewhere)


def shortened(text: str, length: int = _LENGTH) -> str:
    """`text` on one line, what cannot be seen escaped, cut to `length` characters."""
    return _cut(one_line(text), length)


def one_line(text: str) -> str:
    """`text` on one line, what cannot be seen escaped."""
    return visible(_BLANKS.sub(" ", text).strip())


def visible(text: str) -> str:
    """`text` with every character escaped that shows nothing, or does something to a terminal."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def _first(control: tuple[str, ...], candidate: tuple[str, ...]) -> tuple[str, str]:
    """The first line of each that says something, where these are not the same."""
    heads = [
        next((line for line in lines if line.strip()), "".join(lines[:1])) for lines in (control, candidate)
    ]
    if heads[0] == heads[1]:
        heads = ["".join(lines[:1]) for lines in (control, candidate)]
    return heads[0], heads[1]


def _more(lines: tuple[str, ...]) -> str:
    return f" and {len(lines) - 1} more" if len(lines) > 1 else ""


def told_apart(control: str, candidate: str) -> tuple[str, str]:
    """Both in quotes, with the place in sight where they differ."""
    before, after = one_line(control), one_line(candidate)
    if before == after:
        before, after = visible(control), visible(candidate)
    if before == after and control != candidate:
        # What one holds escaped, the other holds itself.
        before, after = repr(control), repr(candidate)
    shorter = min(len(before), len(after))
    alike = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), shorter)
    skipped = alike - _CONTEXT
    if skipped > 0 and max(len(before), len(after)) > _LENGTH:
        before, after = f"…{before[skipped:]}", f"…{after[skipped:]}"
    return f"“{_cut(before, _LENGTH)}”", f"“{_cut(after, _LENGTH)}”"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
