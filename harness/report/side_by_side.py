"""Two texts side by side, line against line, with what is equal left out but for some lines around."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

__all__ = ["DiffRow", "side_by_side"]

_CONTEXT = 3
# To match lines takes the square of their number.
_MOST_LINES = 2_000


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One row; numbers count lines from 1, and a side without a line has None."""

    kind: Literal["equal", "changed", "gap"]
    before_line: int | None = None
    before: str = ""
    after_line: int | None = None
    after: str = ""


def side_by_side(before: str, after: str) -> tuple[DiffRow, ...]:
    """The rows in which `before` and `after` differ, with three equal ones around each place.

    Of each text the first 2,000 lines are looked at; a gap stands for what is left out.
    """
    old, new = before.split("\n"), after.split("\n")
    rows = list(_rows(old[:_MOST_LINES], new[:_MOST_LINES]))
    if max(len(old), len(new)) > _MOST_LINES:
        rows.append(DiffRow("gap"))
    return tuple(rows)


def _rows(old: list[str], new: list[str]) -> Iterator[DiffRow]:
    shown = 0
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT):
        if group[0][1] > shown:
            yield DiffRow("gap")
        for tag, i1, i2, j1, j2 in group:
            kind: Literal["equal", "changed"] = "equal" if tag == "equal" else "changed"
            for i, j in zip_longest(range(i1, i2), range(j1, j2)):
                yield DiffRow(
                    kind,
                    None if i is None else i + 1,
                    "" if i is None else old[i],
                    None if j is None else j + 1,
                    "" if j is None else new[j],
                )
        shown = group[-1][2]
    if 0 < shown < len(old):
        yield DiffRow("gap")
