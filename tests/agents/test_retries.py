"""Pauses before retries: longer each time, bounded, and never the same for two that failed together."""

from __future__ import annotations

import pytest

from agents.retries import backoff_s


def test_there_is_no_pause_before_the_first_try() -> None:
    assert backoff_s(0, 0.9) == 0


@pytest.mark.parametrize(
    ("retry", "shortest_s", "longest_s"),
    [(1, 0.125, 0.25), (2, 0.25, 0.5), (3, 0.5, 1), (5, 2, 4), (6, 2, 4), (5000, 2, 4)],
)
def test_it_doubles_up_to_a_limit_and_half_of_it_is_drawn(
    retry: int, shortest_s: float, longest_s: float
) -> None:
    assert backoff_s(retry, 0.0) == shortest_s
    assert backoff_s(retry, 1.0) == longest_s
