"""The terms of a comparison: what is held against the candidate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.compare.normalisation import BUILT_IN, Rules

__all__ = ["EXACT", "Policy", "Terms"]


class Policy(StrEnum):
    """What is held against the candidate."""

    EXACT = "exact"
    """Every mismatch."""
    CONTRACT = "contract"
    """What breaks a promise, and how often its runs turn out well, but for a margin."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a comparison is made by."""

    policy: Policy = Policy.EXACT
    margin: float = 0.1
    """By how much of all runs the candidate's may turn out well more seldom; from 0 to 1."""
    rules: Rules = BUILT_IN
    """What may differ without a mismatch."""


EXACT = Terms()
