"""requirements.txt: a set of lines."""

from __future__ import annotations

import re

from harness.compare.files.change import LAYOUT, Change
from harness.compare.mismatch import Severity

__all__ = ["requirements_change"]

_COMMENT = re.compile(r"(^|\s)#.*")


def requirements_change(before: str, after: str) -> Change | None:
    """How one requirements.txt became another; None where more than the order of lines differs."""
    old, new = _lines(before), _lines(after)
    if old == new:
        return LAYOUT
    # An option holds for the lines around it, and a line can go on in the next.
    if any(line.startswith("-") or line.endswith("\\") for line in old):
        return None
    return Change(Severity.COSMETIC, " in the order of lines only") if sorted(old) == sorted(new) else None


def _lines(text: str) -> list[str]:
    lines = (_COMMENT.sub("", line).strip() for line in text.split("\n"))
    return [line for line in lines if line]
