"""The scheduler: when tasks start, in what order they get slots, and what happens when one fails."""

from __future__ import annotations

import asyncio

import pytest

from agents.roles import Role
from agents.workflow import Task
from async_arch.scheduler import Tasks, Work, run_concurrently, run_in_order

A, B, C, D = (Task(Role.DEVELOPER, name) for name in "ABCD")
DIAMOND = {A: (), B: (A,), C: (A,), D: (B, C)}


async def _unbounded(tasks: Tasks, work: Work) -> None:
    await run_concurrently(tasks, work, at_once=1000, path=lambda _: 0.0)


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
        group.create_task(_unbounded(tasks, work))
        await _settle()
        assert started == [A, B]
        gates[A].set()
        await _settle()
        assert started == [A, B, C]
        gates[B].set()
        gates[C].set()


@pytest.mark.parametrize("run", [_unbounded, run_in_order])
async def test_every_task_is_done_once_and_after_what_it_needs(run) -> None:
    done: list[Task] = []

    async def work(task: Task) -> bool:
        assert set(DIAMOND[task]) <= set(done)
        await asyncio.sleep(0)
        done.append(task)
        return True

    await run(DIAMOND, work)
    assert sorted(done, key=str) == [A, B, C, D]


@pytest.mark.parametrize("run", [_unbounded, run_in_order])
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
        await _unbounded({A: (), B: ()}, work)
    assert cancelled.is_set()


async def _order(tasks: dict[Task, tuple[Task, ...]], at_once: int, path: dict[Task, float]) -> list[Task]:
    """The order in which `tasks` are begun when each takes equally long."""
    begun: list[Task] = []
    working = 0

    async def work(task: Task) -> bool:
        nonlocal working
        working += 1
        assert working <= at_once
        begun.append(task)
        await _settle()
        working -= 1
        return True

    await run_concurrently(tasks, work, at_once=at_once, path=path.__getitem__)
    return begun


async def test_of_what_is_ready_the_longest_path_goes_first_and_no_more_than_may() -> None:
    tasks = {A: (), B: (), C: (), D: ()}
    assert await _order(tasks, 1, {A: 1, B: 3, C: 4, D: 2}) == [C, B, D, A]
    assert await _order(tasks, 2, {A: 1, B: 3, C: 4, D: 2}) == [C, B, D, A]


async def test_of_equal_paths_the_first_in_build_order_goes_first() -> None:
    tasks = {A: (), B: (), C: (), D: ()}
    assert await _order(tasks, 1, dict.fromkeys(tasks, 1.0)) == [A, B, C, D]


async def test_what_a_task_makes_ready_competes_for_the_place_it_leaves() -> None:
    """C and D wait when A ends; B, which A makes ready, has the longer path and must have A's place."""
    tasks = {A: (), B: (A,), C: (), D: ()}
    assert await _order(tasks, 1, {A: 9, B: 8, C: 2, D: 1}) == [A, B, C, D]


async def test_no_place_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await _order({A: ()}, 0, {A: 1})


async def test_a_chain_of_thousands_of_tasks_is_no_deep_recursion() -> None:
    chain = [Task(Role.DEVELOPER, f"M{number}") for number in range(5000)]
    tasks = {task: (chain[i - 1],) if i else () for i, task in enumerate(chain)}

    async def work(task: Task) -> bool:
        done.append(task)
        return True

    done: list[Task] = []
    await run_concurrently(tasks, work, at_once=4, path=lambda _: 0.0)
    assert done == chain
