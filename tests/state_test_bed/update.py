"""An update: what a writer of the test bed adds to the blackboard at one time, so that a loss has a name."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Update", "updates_in"]

_TEXT = re.compile(r"writer (\d), update (\d{4})")


@dataclass(frozen=True, slots=True, order=True)
class Update:
    """The update `number` of `writer`; all are of the same length as text."""

    writer: int
    number: int

    def __str__(self) -> str:
        return f"writer {self.writer}, update {self.number:04}"


def updates_in(text: str) -> list[Update]:
    """The updates that stand in `text`, whether it is a whole document or not."""
    return [Update(int(writer), int(number)) for writer, number in _TEXT.findall(text)]
