"""The scheduler: when tasks start, in what order they get slots, and what happens when one fails."""

from __future__ import annotations

import asyncio

import pytest

from agents.plan import ModulePlan, ModuleType, Plan
from agents.roles import Role
from agents.workflow import Task, build_tasks
from async_arch.scheduler import PrioritySlots, path_weights, run_concurrently, run_in_order

A, B, C, D = (Task(Role.DEVELOPER, name) for name in "ABCD")
DIAMOND = {A: (), B: (A,), C: (A,), D: (B, C)}


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_task_starts_when_what_it_needs_is_done_not_when_a_layer_is() -> None:
    """C needs A alone: it must be under way while B, of the layer before, still is."""
    tasks = {A: (), B: (), C: (A,)}
    gates = {task: asyncio.Event() for task in tasks}
    started: list[Task] = []

    async def work(task: Task) -> bool:
        started.append(task)
        await gates[task].wait()
        return True

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(run_concurrently(tasks, work))
        await _settle()
        assert started == [A, B]
        gates[A].set()
        await _settle()
        assert started == [A, B, C]
        gates[B].set()
        gates[C].set()


@pytest.mark.parametrize("run", [run_concurrently, run_in_order])
async def test_every_task_is_done_once_and_after_what_it_needs(run) -> None:
    done: list[Task] = []

    async def work(task: Task) -> bool:
        assert set(DIAMOND[task]) <= set(done)
        await asyncio.sleep(0)
        done.append(task)
        return True

    await run(DIAMOND, work)
    assert sorted(done, key=str) == [A, B, C, D]


@pytest.mark.parametrize("run", [run_concurrently, run_in_order])
async def test_a_failure_skips_what_depends_on_it_and_nothing_else(run) -> None:
    tasks = {A: (), B: (A,), C: (), D: (B, C)}
    begun: list[Task] = []

    async def work(task: Task) -> bool:
        begun.append(task)
        return task is not A

    await run(tasks, work)
    assert sorted(begun, key=str) == [A, C]


async def test_an_exception_cancels_what_is_under_way() -> None:
    cancelled = asyncio.Event()

    async def work(task: Task) -> bool:
        if task is A:
            await _settle()
            raise RuntimeError("lost")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return True

    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="lost")):
        await run_concurrently({A: (), B: ()}, work)
    assert cancelled.is_set()


async def test_slots_bound_how_many_work_and_the_highest_priority_goes_first() -> None:
    slots = PrioritySlots(2)
    order: list[float] = []
    working = 0
    most = 0

    async def work(priority: float) -> None:
        nonlocal working, most
        async with slots.hold(priority):
            working += 1
            most = max(most, working)
            order.append(priority)
            await _settle()
            working -= 1

    async with asyncio.TaskGroup() as group:
        for priority in (1, 2, 3, 9, 5, 9.5):
            group.create_task(work(priority))
    assert most == 2
    # The first two found free slots; of those who waited, the highest came first.
    assert order == [1, 2, 9.5, 9, 5, 3]


async def test_equal_priorities_are_served_in_order_of_arrival() -> None:
    slots = PrioritySlots(1)
    order: list[int] = []

    async def work(number: int) -> None:
        async with slots.hold(1.0):
            order.append(number)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(work(number))
    assert order == list(range(8))


async def test_a_waiter_cancelled_at_the_moment_of_its_grant_gives_the_slot_back() -> None:
    slots = PrioritySlots(1)

    async def hold() -> None:
        async with slots.hold(0):
            await asyncio.sleep(60)

    first = asyncio.create_task(hold())
    await _settle()
    second = asyncio.create_task(hold())
    await _settle()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    async with asyncio.timeout(1), slots.hold(0):
        pass


def test_no_slots_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        PrioritySlots(0)


def test_weights_grow_toward_the_start_of_the_longest_chain() -> None:
    plan = Plan(
        "P",
        "",
        (
            ModulePlan("Root", "root.py", ModuleType.DATA, ""),
            ModulePlan("Leaf", "leaf.py", ModuleType.DATA, ""),
            ModulePlan("User", "user.py", ModuleType.SERVICE, "", ("Root",)),
        ),
    )
    tasks = build_tasks(plan)
    weights = path_weights(tasks)
    for task, needs in tasks.items():
        for need in needs:
            assert weights[need] > weights[task]
    assert weights[Task(Role.ARCHITECT, "Root")] > weights[Task(Role.ARCHITECT, "Leaf")]
