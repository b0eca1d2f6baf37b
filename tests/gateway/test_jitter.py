from __future__ import annotations

from itertools import pairwise

import pytest

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.jitter import STEADY, Jitter
from harness.gateway.upstream import ModelCall
from tests.gateway.served import question


def call(number: int, run: str = "a") -> ModelCall:
    """A call whose request is another one for each number."""
    asked = question() | {"messages": [{"role": "user", "content": f"Question {number}"}]}
    return ModelCall(CanonicalRequest.from_payload(asked), True, b"", {}, run)


def drawn(jitter: Jitter, run: str = "a", calls: int = 20) -> list[float]:
    return [jitter.factor(call(number, run)) for number in range(calls)]


def test_without_a_spread_every_factor_is_one() -> None:
    assert drawn(STEADY) == [1.0] * 20


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_factors_are_spread_evenly_around_one(spread: float) -> None:
    factors = sorted(drawn(Jitter(spread), calls=2000))
    assert factors[0] > 0
    assert 1 - spread < factors[0] < 1 - 0.95 * spread
    assert 1 + 0.95 * spread < factors[-1] <= 1 + spread
    # Evenly: no stretch of a twentieth of the range is empty.
    assert max(b - a for a, b in pairwise(factors)) < 0.1 * spread


def test_with_a_seed_a_request_takes_equally_long_in_every_run() -> None:
    assert drawn(Jitter(0.5, 7), "a") == drawn(Jitter(0.5, 7), "b")
    assert drawn(Jitter(0.5, 7)) != drawn(Jitter(0.5, 8))
    assert len(set(drawn(Jitter(0.5, 7)))) == 20


def test_without_a_seed_runs_differ_and_each_can_be_drawn_again() -> None:
    assert drawn(Jitter(0.5), "a") == drawn(Jitter(0.5), "a")
    assert drawn(Jitter(0.5), "a") != drawn(Jitter(0.5), "b")


def test_runs_end_their_calls_in_different_orders() -> None:
    """What it is for: engines that work on several calls at once see them end in another order."""
    orders = {
        tuple(sorted(range(5), key=lambda n, run=run: Jitter(0.5).factor(call(n, run)))) for run in "abcdef"
    }
    assert len(orders) > 3
