"""Numbers keep to the bounds and steps of a schema, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.simulated.schema.number import number_for

_BOUNDS = st.integers(-(10**20), 10**20) | st.floats(-1e9, 1e9, allow_nan=False)


@given(low=_BOUNDS, width=st.integers(1, 10**12), open_ended=st.booleans(), chance=st.integers(0, 2**64))
def test_a_number_is_within_its_bounds(low: float, width: int, chance: int, *, open_ended: bool) -> None:
    """As an integer and as any number; a bound that is excluded is not taken."""
    least, most = ("exclusiveMinimum", "exclusiveMaximum") if open_ended else ("minimum", "maximum")
    high = Fraction(low) + width
    schema = {least: low, most: float(high) if isinstance(low, float) else int(high)}
    for whole in (True, False):
        number = number_for(schema, chance, whole=whole)
        assert not whole or isinstance(number, int)
        if open_ended and width > 1:
            assert schema[least] < number < schema[most]
        assert schema[least] <= number <= schema[most]


@pytest.mark.parametrize("step", [1, 3, 0.1, 0.25, 0.01, 2.5, 1e-7])
def test_a_number_is_a_multiple_as_floats_have_it(step: float) -> None:
    """0.1 + 0.2 is no multiple of 0.1 to those who divide: it is not given."""
    for chance in range(40):
        quotient = number_for({"multipleOf": step, "minimum": 0}, chance, whole=False) / step
        assert quotient == int(quotient)


def test_one_bound_is_enough() -> None:
    """The other is not far from it."""
    assert 50 <= number_for({"minimum": 50}, 7, whole=True) < 60
    assert -60 < number_for({"maximum": -50}, 7, whole=True) <= -50
    assert 0 < number_for({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, 7, whole=False) < 1


def test_high_numbers_are_near_the_upper_bound() -> None:
    """Where more is better."""
    for chance in range(50):
        assert number_for({"minimum": 0, "maximum": 100}, chance, whole=True, high=True) >= 80


def test_bounds_that_exclude_each_other_give_some_number() -> None:
    """There is none that is right; and so do bounds beyond all floats."""
    for huge in ({"minimum": 10**4000}, {"multipleOf": 10**4000}, {"multipleOf": 0.1, "minimum": 10**299}):
        for whole in (True, False):
            assert number_for(huge, 5, whole=whole) < 10**302
    assert isinstance(number_for({"minimum": 3, "maximum": 1}, 5, whole=True), int)
    assert number_for({"minimum": 3, "maximum": 1}, 5, whole=False) is not None
