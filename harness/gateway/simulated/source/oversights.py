"""What first drafts overlook: how it is seen in a source, and how a review words it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.gateway.simulated.source.manner import Oversight

__all__ = ["may_happen", "overlooked"]


@dataclass(frozen=True, slots=True)
class _Sign:
    """How an oversight shows: `place` is the code where it can happen, `care` what is there if it did not."""

    place: re.Pattern[str]
    care: str
    finding: Callable[[str], str]


_SIGNS: Mapping[Oversight, _Sign] = {
    Oversight.BLANK_TEXTS: _Sign(
        re.compile(r"^def (_text)\(.*\n(?:(?: .*)?\n)*", re.MULTILINE),
        ".strip()",
        lambda name: (
            f"`{name}` accepts a text that is nothing but blanks, and keeps blanks at the ends: strip "
            "the value before it is checked and kept."
        ),
    ),
    Oversight.NEGATIVE_NUMBERS: _Sign(
        re.compile(r"^def (_number)\(.*\n(?:(?: .*)?\n)*", re.MULTILINE),
        "0 <= value",
        lambda name: (
            f"`{name}` accepts negative numbers, and a negative amount makes no sense here: refuse them "
            "with a ValueError."
        ),
    ),
    Oversight.NEGATIVE_LIMITS: _Sign(
        re.compile(r"^def (\w+)\([^()]*\blimit: int\b.*\n(?:(?: .*)?\n)*?.*\[:limit\]", re.MULTILINE),
        "limit < 1",
        lambda name: (
            f"`{name}` takes a limit below 1 without a word and then gives a wrong list: raise ValueError "
            "for it."
        ),
    ),
}


def may_happen(code: str) -> list[Oversight]:
    """The oversights that could have happened in `code` and did not."""
    return [o for o, sign in _SIGNS.items() if (match := sign.place.search(code)) and sign.care in match[0]]


def overlooked(code: str) -> list[str]:
    """What `code` overlooks, a sentence each."""
    return [
        sign.finding(match[1])
        for sign in _SIGNS.values()
        if (match := sign.place.search(code)) and sign.care not in match[0]
    ]
