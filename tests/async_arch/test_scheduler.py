"""The scheduler: when tasks start, in what order they get slots, and what happens when one fails."""

from __future__ import annotations

import asyncio

import pytest

from agents.roles import Role
from agents.workflow import Task
from async_arch.scheduler import Scheduler, Tasks, Work, run_concurrently, run_in_order

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


async def test_a_small_build_gets_a_place_before_a_giant_gets_another() -> None:
    """Given to whoever asked first, all places would be the giant's until it ends."""
    giant = {Task(Role.DEVELOPER, f"G{number}"): () for number in range(20)}
    small = {A: (), B: (A,)}
    scheduler = Scheduler(2)
    ended: list[str] = []
    gates: dict[Task, asyncio.Event] = {task: asyncio.Event() for task in (*giant, *small)}
    started: list[Task] = []

    async def work(task: Task) -> bool:
        started.append(task)
        await gates[task].wait()
        return True

    async def build(name: str, tasks: Tasks) -> None:
        await scheduler.run(tasks, work, path=lambda task: 0.0)
        ended.append(name)

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(build("giant", giant))
        await _settle()
        group.create_task(build("small", small))
        await _settle()
        assert started == list(giant)[:2]
        for task in (started[0], A, B):
            gates[task].set()
            await _settle()
        assert started[2:4] == [A, B]
        assert ended == ["small"]
        for gate in gates.values():
            gate.set()
    assert ended == ["small", "giant"]
    assert len(started) == 22


async def test_a_build_that_breaks_gives_its_places_to_the_others_and_begins_nothing_more() -> None:
    scheduler = Scheduler(1)
    broken = {A: (), B: ()}
    other = {C: (), D: (C,)}
    started: list[Task] = []

    async def work(task: Task) -> bool:
        started.append(task)
        await asyncio.sleep(0)
        if task is A:
            raise RuntimeError("it broke")
        return True

    async with asyncio.timeout(5):
        results = await asyncio.gather(
            scheduler.run(broken, work, path=lambda _: 0.0),
            scheduler.run(other, work, path=lambda _: 0.0),
            return_exceptions=True,
        )
    assert isinstance(results[0], ExceptionGroup)
    assert results[1] is None
    assert started == [A, C, D]


async def test_a_build_that_is_cancelled_gives_its_places_back() -> None:
    scheduler = Scheduler(1)

    async def never(task: Task) -> bool:
        await asyncio.Event().wait()
        return True

    async def at_once(task: Task) -> bool:
        return True

    async with asyncio.timeout(5):
        build = asyncio.create_task(scheduler.run({A: (), B: ()}, never, path=lambda _: 0.0))
        await _settle()
        build.cancel()
        with pytest.raises(asyncio.CancelledError):
            await build
        await scheduler.run({C: ()}, at_once, path=lambda _: 0.0)


async def test_builds_share_places_whatever_the_order_in_which_they_come() -> None:
    """Never more than there are, every task once, and all builds end."""
    scheduler = Scheduler(3)
    working = most = 0
    done: list[tuple[int, Task]] = []

    async def build(number: int) -> None:
        async def work(task: Task) -> bool:
            nonlocal working, most
            working += 1
            most = max(most, working)
            for _ in range(number % 4):
                await asyncio.sleep(0)
            working -= 1
            done.append((number, task))
            return True

        await scheduler.run(DIAMOND, work, path=lambda task: float(len(str(task))))

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for number in range(12):
            group.create_task(build(number))
    assert most == 3
    assert len(done) == len(set(done)) == 12 * len(DIAMOND)
