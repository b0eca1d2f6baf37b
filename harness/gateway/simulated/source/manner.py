"""The manner in which a developer writes: with loops or comprehensions, and what a first draft overlooks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Manner", "Oversight"]


class Oversight(StrEnum):
    """Something that a first draft may overlook, and that a review then asks for."""

    BLANK_TEXTS = "blank_texts"
    NEGATIVE_NUMBERS = "negative_numbers"
    NEGATIVE_LIMITS = "negative_limits"


@dataclass(frozen=True, slots=True)
class Manner:
    """How one module is written."""

    loops: bool = False
    oversight: Oversight | None = None
    rendered: bool = False
    """Whether it is written into the gaps of a rendered module, which has a store and imports already."""
