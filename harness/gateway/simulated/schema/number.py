"""Numbers within the bounds of a schema, exactly: fractions, not floats, decide."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

from pydantic import JsonValue

from harness.gateway.simulated.schema.merging import Schema

__all__ = ["count_of", "number_for"]

_USUAL = 9
"""How far apart the bounds are where only one is given."""
_STEPS = 16
_LARGEST = 10**300
_TRIES = 64


def number_for(schema: Schema, chance: int, *, whole: bool, high: bool = False) -> int | float:
    """A number that `schema` allows, an integer where it must be `whole`, near the upper bound if `high`."""
    step = _step(schema, whole=whole)
    low, high_end = _bounds(schema)
    if step is None and not whole:
        return _between(schema, low, high_end, chance, high=high)
    step = step or Fraction(1)
    first, last = (math.ceil(low / step), math.floor(high_end / step))
    if not _allowed(schema, first * step):
        first += 1
    if not _allowed(schema, last * step):
        last -= 1
    span = max(0, last - first)
    start = first + (span - chance % (span // 5 + 1) if high else chance % (span + 1))
    around = islice(_around(start, first, max(first, last)), _TRIES)
    return next((value for n in around if _divides(value := _plain(n * step), step)), _plain(first * step))


def count_of(schema: Schema, key: str) -> int | None:
    """The number that a schema has under `key` (`minItems`, ...), where it is one."""
    value = schema.get(key)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _step(schema: Schema, *, whole: bool) -> Fraction | None:
    step = _fraction(schema.get("multipleOf"))
    if step is None or step <= 0:
        return None
    # The integers among the multiples of a / b are those of a.
    return Fraction(step.numerator) if whole else step


def _bounds(schema: Schema) -> tuple[Fraction, Fraction]:
    """The lowest and the highest number, exclusive ones included."""
    lows = [n for key in ("minimum", "exclusiveMinimum") if (n := _fraction(schema.get(key))) is not None]
    highs = [n for key in ("maximum", "exclusiveMaximum") if (n := _fraction(schema.get(key))) is not None]
    step = _step(schema, whole=False) or 1
    low = max(lows) if lows else min(Fraction(1), min(highs) - _USUAL * step) if highs else Fraction(1)
    return low, min(highs) if highs else max(low, Fraction(0)) + _USUAL * step


def _allowed(schema: Schema, value: Fraction) -> bool:
    return value not in (
        _fraction(schema.get("exclusiveMinimum")),
        _fraction(schema.get("exclusiveMaximum")),
    )


def _between(schema: Schema, low: Fraction, high_end: Fraction, chance: int, *, high: bool) -> int | float:
    part = Fraction(_STEPS - 1 - chance % 3 if high else 1 + chance % (_STEPS - 1), _STEPS)
    value = _plain(low + (high_end - low) * part)
    exact = Fraction(value)
    if low <= exact <= high_end and _allowed(schema, exact):
        return value
    return _plain(low if _allowed(schema, low) else high_end)


def _around(start: int, first: int, last: int) -> Iterator[int]:
    yield from range(start, last + 1)
    yield from range(start - 1, first - 1, -1)


def _divides(value: int | float, step: Fraction) -> bool:
    """Whether those who divide floats find `value` to be a multiple, too: 0.3 / 0.1 is not 3."""
    if isinstance(value, int) and step.denominator == 1:
        return True
    try:
        quotient = value / float(step)
        return quotient == int(quotient)
    except OverflowError:
        return False


def _plain(value: Fraction) -> int | float:
    if value.denominator == 1:
        return value.numerator
    try:
        return float(value)
    except OverflowError:
        return math.floor(value)


def _fraction(value: JsonValue) -> Fraction | None:
    """A number as people write it: 0.1 is a tenth; none where it is larger than floats are."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return None
    return Fraction(value) if isinstance(value, int) else Fraction(str(value))
