"""A field: a place in which two runs can differ, and in what way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from harness.compare.mismatch import Kind, Layer, Mismatch, Severity

__all__ = ["Field"]


@dataclass(frozen=True, slots=True)
class Field:
    """What mismatches of several pairs have in common, so that they can be counted.

    The kind is part of it: the control may say other words in every pair (answer drift), and that options
    drift in the same call is none of that. What is missing is told from what is extra for the same reason:
    where a file comes and goes by itself, a candidate that never has it lacks it twice as often. And so is
    the severity: that a file is another every time says nothing of one that breaks its API every time.
    """

    layer: Layer
    kind: Kind
    severity: Severity
    path: str

    @classmethod
    def of(cls, mismatch: Mismatch) -> Self:
        """The field in which `mismatch` was found."""
        return cls(mismatch.layer, mismatch.kind, mismatch.severity, mismatch.path)
