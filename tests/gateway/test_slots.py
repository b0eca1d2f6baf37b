from __future__ import annotations

import asyncio
import random

import pytest

from harness.gateway.slots import Slots


class Caller:
    """A task that takes a slot and holds it until told to let go."""

    def __init__(self, slots: Slots) -> None:
        self.granted = False
        self._let_go = asyncio.Event()
        self.task = asyncio.ensure_future(self._hold(slots))

    async def _hold(self, slots: Slots) -> None:
        async with slots.granted():
            self.granted = True
            await self._let_go.wait()

    def let_go(self) -> None:
        self._let_go.set()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def callers(slots: Slots, count: int) -> list[Caller]:
    made = [Caller(slots) for _ in range(count)]
    await settle()
    return made


def granted(made: list[Caller]) -> list[bool]:
    return [caller.granted for caller in made]


async def test_no_more_calls_run_than_there_are_slots() -> None:
    slots = Slots(2)
    made = await callers(slots, 5)
    assert granted(made) == [True, True, False, False, False]
    assert slots.waiting == 3
    await _finish(made)


async def test_slots_go_to_those_who_wait_in_the_order_of_their_arrival() -> None:
    slots = Slots(1)
    made = await callers(slots, 4)
    for number, caller in enumerate(made):
        assert granted(made) == [True] * (number + 1) + [False] * (3 - number)
        caller.let_go()
        await settle()


async def test_nobody_overtakes_in_the_moment_a_slot_is_passed_on() -> None:
    """A newcomer that arrives between the release and the waking of the next in line has to queue."""
    slots = Slots(1)
    first, second = await callers(slots, 2)
    first.let_go()
    await asyncio.sleep(0)
    newcomer = Caller(slots)
    await settle()
    assert second.granted
    assert not newcomer.granted
    await _finish([first, second, newcomer])


async def test_who_gives_up_leaves_the_queue() -> None:
    slots = Slots(1)
    first, second, third = await callers(slots, 3)
    second.task.cancel()
    await settle()
    assert slots.waiting == 1
    first.let_go()
    await settle()
    assert third.granted
    await _finish([first, third])


@pytest.mark.parametrize("order", ["cancel first", "grant first"])
async def test_no_slot_is_lost_when_the_wait_is_cancelled_in_the_moment_of_the_grant(order: str) -> None:
    slots = Slots(1)
    holding = slots.granted()
    await holding.__aenter__()
    second, third = await callers(slots, 2)
    if order == "cancel first":
        second.task.cancel()
    await holding.__aexit__(None, None, None)
    second.task.cancel()
    await settle()
    assert not second.granted
    assert third.granted
    await _finish([third])


async def test_a_slot_is_given_back_when_its_holder_fails() -> None:
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError):
        async with slots.granted():
            raise ZeroDivisionError
    (other,) = await callers(slots, 1)
    assert other.granted
    await _finish([other])


@pytest.mark.parametrize("seed", range(20))
async def test_all_slots_are_free_when_all_callers_are_gone(seed: int) -> None:
    """Whatever the order of arrivals, releases and cancellations."""
    dice = random.Random(seed)  # noqa: S311
    slots = Slots(3)
    made: list[Caller] = []
    for _ in range(200):
        match dice.randrange(4):
            case 0 | 1:
                made.append(Caller(slots))
            case 2 if made:
                made.pop(dice.randrange(len(made))).task.cancel()
            case 3 if made:
                dice.choice(made).let_go()
        if dice.random() < 0.5:
            await asyncio.sleep(0)
    for caller in made:
        caller.task.cancel()
    await settle()
    last = await callers(slots, 4)
    assert granted(last) == [True, True, True, False]
    await _finish(last)


def test_a_model_has_at_least_one_slot() -> None:
    with pytest.raises(ValueError, match="not 0"):
        Slots(0)


async def _finish(made: list[Caller]) -> None:
    for caller in made:
        caller.let_go()
    async with asyncio.timeout(5):
        await asyncio.gather(*(caller.task for caller in made))
