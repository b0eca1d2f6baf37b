"""Durations that differ by no more than a rule allows, and what is put in the place of both."""

from __future__ import annotations

import math
import re

from harness.compare.normalisation.pattern import replaced_in, values_in
from harness.compare.normalisation.rule import DurationRule

__all__ = ["without_duration", "without_durations"]

_NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII)


def without_duration(rule: DurationRule, own: object, other: object) -> tuple[object, int]:
    """A value of one run without the durations that `other`, its like in the other run, has as well.

    Where both change places, the same is put aside.
    """
    if isinstance(own, str) and isinstance(other, str):
        return without_durations(rule, own, other)
    if rule.pattern is None and _is_close(rule, _as_number(own), _as_number(other)):
        return _word(rule), 1
    return own, 0


def without_durations(rule: DurationRule, own: str, other: str) -> tuple[str, int]:
    """The text `own` without the durations that are close to those in `other`, the first to the first."""
    others = values_in(other, rule.pattern)
    if len(others) != len(values_in(own, rule.pattern)):
        return own, 0
    waiting = iter(others)

    def word(text: str) -> str | None:
        return _word(rule) if _is_close(rule, _number(text), _number(next(waiting))) else None

    return replaced_in(own, rule.pattern, word)


def _word(rule: DurationRule) -> str:
    return f"<duration within {rule.max_difference_s:g} s>"


def _is_close(rule: DurationRule, one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return False
    per_s = 1000.0 if rule.unit == "ms" else 1.0
    return abs(one - other) <= rule.max_difference_s * per_s


def _number(text: str) -> float | None:
    return _as_number(float(text)) if _NUMBER.fullmatch(text) else None


def _as_number(value: object) -> float | None:
    """`value`, if it can be a duration."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
