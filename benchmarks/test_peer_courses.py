"""That a peer which does not do the work is found out, and that graphs and courses survive the way to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from agents.roles import Role
from agents.workflow import Task
from benchmarks.peers import critical_path, gathered, sequential
from benchmarks.peers.chains import chains, single
from benchmarks.peers.course import Course, Span, Tasks, faults
from benchmarks.peers.message import course_from, graph_from, line_from, line_of
from benchmarks.peers.peer import Opened, Run
from benchmarks.peers.peer_process import PeerFailed, peer_process
from benchmarks.peers.subjects import Subject
from benchmarks.peers.turns import Case, WrongCourse, in_turns
from benchmarks.workload import Shape, duration_s, graph, plan

TASKS = graph(plan(3))
TINY = 0.0005
"""Of the durations where only the order counts."""
SLOTS = 2


def _right() -> Course:
    """One task after the other, which is right for any number of slots."""
    at_s, spans = 100.0, []
    for task in TASKS:
        spans.append(Span(task, at_s, at_s + duration_s(task)))
        at_s += duration_s(task)
    return Course(at_s - 100.0, tuple(spans))


def _moved(wrong: Span) -> Course:
    right = _right()
    return replace(right, spans=tuple(wrong if span.task == wrong.task else span for span in right.spans))


RIGHT = _right()
FIRST, SECOND, *_, LAST = RIGHT.spans
CROWDED = Course(
    RIGHT.wall_s,
    tuple(replace(span, begun_s=FIRST.begun_s, ended_s=LAST.ended_s) for span in RIGHT.spans),
)

WRONG = {
    "left out": (replace(RIGHT, spans=RIGHT.spans[:-1]), "integrator was done 0 times"),
    "twice": (replace(RIGHT, spans=(*RIGHT.spans, LAST)), "integrator was done 2 times"),
    "another's": (
        replace(RIGHT, spans=(*RIGHT.spans, Span(Task(Role.DEBUGGER), 0, 0))),
        "debugger was done 1 times",
    ),
    "too early": (_moved(replace(SECOND, begun_s=FIRST.begun_s)), "auditor began before analyst ended"),
    "cut short": (_moved(replace(SECOND, ended_s=SECOND.begun_s)), "auditor took 0.0000 s of 0.0100 s"),
    "clock": (replace(RIGHT, wall_s=0.1), "it says 0.1000 s"),
    "crowded": (CROWDED, f"{len(TASKS)} tasks at once in 2 slots"),
}


def test_a_run_that_did_the_work_has_no_faults() -> None:
    assert faults(RIGHT, TASKS, SLOTS, 0.02) == ()


@pytest.mark.parametrize("name", WRONG)
def test_a_run_that_did_not_do_the_work_is_found_out(name: str) -> None:
    course, told = WRONG[name]
    assert any(fault.startswith(told) for fault in faults(course, TASKS, SLOTS, 0.02))


@pytest.mark.parametrize("opened", [gathered.opened, critical_path.opened, sequential.opened])
@pytest.mark.parametrize("shape", Shape)
async def test_the_floor_does_the_work(opened: Opened, shape: Shape) -> None:
    tasks = graph(plan(4, shape))
    async with opened() as run:
        for slots in (None, 2):
            assert faults(await run(tasks, slots, TINY), tasks, slots, TINY) == ()


def _subject(name: str, run: Run) -> Subject:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Run]:
        yield run

    return Subject(name, opened)


async def test_a_subject_that_leaves_work_out_is_not_measured() -> None:
    async def run(tasks: Tasks, slots: int | None, scale: float) -> Course:
        return Course(0.001, ())

    said = r"lazy, 2 modules, 1 slots: .* was done 0 times, not 1; .*; and \d+ more"
    with pytest.raises(WrongCourse, match=said):
        await in_turns([_subject("lazy", run)], Case(5, 1), 1, TINY)


async def test_subjects_take_turns() -> None:
    order = ""

    def named(name: str) -> Subject:
        async def run(tasks: Tasks, slots: int | None, scale: float) -> Course:
            nonlocal order
            order += name
            async with gathered.opened() as floor:
                return await floor(tasks, slots, scale)

        return _subject(name, run)

    found = await in_turns([named("a"), named("b"), named("c")], Case(1, None), 3, TINY)
    assert order == "abc" + "abccbaabc"
    assert {name: len(ratios) for name, ratios in found.items()} == {"a": 3, "b": 3, "c": 3}


def test_graphs_and_courses_survive_the_way() -> None:
    tasks, slots, scale = graph_from(line_of(TASKS, None, 0.02))
    assert list(tasks.items()) == list(TASKS.items())
    assert (slots, scale) == (None, 0.02)
    assert course_from(line_from(RIGHT)) == RIGHT


async def test_a_peer_that_ends_is_told_of_with_what_it_printed() -> None:
    with pytest.raises(PeerFailed, match=r"benchmarks\.peers\.nowhere: it ended; .*ModuleNotFoundError"):
        async with peer_process("benchmarks.peers.nowhere"):
            raise AssertionError("it is not ready")


@pytest.mark.parametrize("shape", Shape)
def test_chains_hold_every_task_once_and_in_order(shape: Shape) -> None:
    tasks = graph(plan(9, shape))
    for linked in (chains(tasks), single(tasks)):
        places = {task: chain for chain in linked for task in chain}
        assert sorted(map(str, places)) == sorted(map(str, tasks))
        for task, needs in tasks.items():
            chain = places[task]
            for need in needs:
                assert need in chain[: chain.index(task)] or places[need] in linked[chain]
        for chain in linked:
            for before, after in pairwise(chain):
                assert [task for task, needs in tasks.items() if before in needs] == [after]
