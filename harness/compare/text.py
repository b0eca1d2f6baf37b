"""Differences of texts, line by line, short enough to be read."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

__all__ = ["LineDifference", "first_difference", "shortened"]

_MOST_LINES = 4000


@dataclass(frozen=True, slots=True)
class LineDifference:
    """The first place where two texts differ; lines are counted from 1 in the control."""

    line: int
    control: tuple[str, ...]
    candidate: tuple[str, ...]

    def __str__(self) -> str:
        if not self.candidate:
            return f"line {self.line} is missing: {_quoted(self.control)}"
        if not self.control:
            return f"before line {self.line} is added: {_quoted(self.candidate)}"
        return f"line {self.line} is {_quoted(self.candidate)} instead of {_quoted(self.control)}"


def first_difference(control: str, candidate: str) -> LineDifference:
    """Where two different texts first differ, as lines missing, added or changed."""
    old, new = control.splitlines(), candidate.splitlines()
    start = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    # Equal beginnings are cut off first; what is left is bounded, as the matcher's time is quadratic.
    old, new = old[start : start + _MOST_LINES], new[start : start + _MOST_LINES]
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            return LineDifference(start + i1 + 1, tuple(old[i1:i2]), tuple(new[j1:j2]))
    return LineDifference(start + 1, (), ())


def shortened(text: str, length: int = 100) -> str:
    """`text` on one line, cut to `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _quoted(lines: tuple[str, ...]) -> str:
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    first = next((line for line in lines if line.strip()), "")
    return f"“{shortened(first)}”{more}"
