"""Workers: everything is done once and told of in order, and the first failure ends it."""

from __future__ import annotations

import asyncio

import pytest

from harness.state.workers import done_by_workers


async def test_all_is_done_by_so_many_at_a_time_and_told_of_in_order() -> None:
    working = most = 0

    async def work(number: int) -> int:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.001 * (number % 3))
        working -= 1
        return 10 * number

    assert await done_by_workers(3, range(20), work) == [10 * number for number in range(20)]
    assert most == 3


async def test_the_first_failure_ends_it_and_is_raised_as_it_is() -> None:
    begun = []

    async def work(number: int) -> None:
        begun.append(number)
        await asyncio.sleep(0.001)
        if number >= 4:
            raise ValueError(str(number))

    with pytest.raises(ValueError, match="4"):
        await done_by_workers(2, range(100), work)
    assert len(begun) < 8


async def test_nothing_to_do_is_done() -> None:
    async def work(number: int) -> int:
        return number

    assert await done_by_workers(3, [], work) == []
