"""The prediction: both engines' times, what limits, and what would help."""

from __future__ import annotations

import pytest

from harness.doctor.prediction import Limit, predict
from tests.doctor.planned import measurement, work

# A chain of two beside six others: 64 tokens in all, of which no two in a chain are more than 16.
PLANNED = work([8] * 8, [(), (0,), *[()] * 6])


def test_one_slot_is_the_limit_and_more_would_help() -> None:
    found = predict("shop", PLANNED, [(measurement(1), 4)])
    assert (found.legacy_s, found.async_s) == (8.0, 8.0)
    assert found.speedup == pytest.approx(1.0)
    assert found.slots == 1
    assert found.limit is Limit.SERVER_SLOTS
    assert [(other.slots, other.best_s, other.worst_s, other.measured) for other in found.what_if] == [
        (2, pytest.approx(4.0), pytest.approx(8.0), False),
        (4, pytest.approx(2.0), pytest.approx(8.0), False),
    ]


def test_slots_of_which_not_all_are_asked_for_are_the_limit_of_whoever_asks() -> None:
    found = predict("shop", PLANNED, [(measurement(4, 1, 1, 1, 1), 2)])
    assert found.slots == 2
    assert found.limit is Limit.ASKED_SLOTS
    assert found.what_if[0].measured


def test_many_that_slow_each_other_down_are_limited_by_throughput() -> None:
    found = predict("shop", PLANNED, [(measurement(4, 1, 2, 3, 4), 4)])
    assert found.speedup == pytest.approx(1.0)
    assert found.unslowed_s == pytest.approx(2.0)
    assert found.limit is Limit.THROUGHPUT
    assert found.what_if == ()


def test_with_slots_enough_the_chain_is_the_limit() -> None:
    found = predict("shop", PLANNED, [(measurement(8, *[1.0] * 8), 8)])
    assert (found.async_s, found.critical_path_s) == (pytest.approx(2.0), pytest.approx(2.0))
    assert found.limit is Limit.CRITICAL_PATH
    assert found.what_if == ()


def test_the_range_comes_from_the_spread_of_what_was_measured() -> None:
    steady = predict("shop", PLANNED, [(measurement(2, 1, 1), 2)])
    assert steady.speedup_low == steady.speedup_high == steady.speedup
    spread = predict("shop", PLANNED, [(measurement(2, 1, 1, rounds=(0.9, 1.0, 1.1)), 2)])
    assert spread.speedup == pytest.approx(2.0)
    assert spread.speedup_low == pytest.approx(2.0 * 0.9 / 1.1)
    assert spread.speedup_high == pytest.approx(2.0 * 1.1 / 0.9)


def test_hosts_are_slots_together_each_at_its_own_pace() -> None:
    """Two hosts of one slot: as fast as two slots; where one is half as fast, it does half as much."""
    equal = predict("shop", work([8] * 6), [(measurement(1), 4), (measurement(1), 4)])
    assert (equal.slots, equal.async_s) == (2, pytest.approx(3.0))
    slower = predict("shop", work([8] * 6), [(measurement(1, 2.0), 4), (measurement(1), 4)])
    assert slower.legacy_s == pytest.approx(6.0)
    assert slower.async_s == pytest.approx(4.0)


def test_no_calls_take_no_time() -> None:
    assert predict("nothing", work([]), [(measurement(1), 4)]).async_s == 0.0
