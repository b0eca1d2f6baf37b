from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.gateway.canonical import CanonicalRequest
from harness.gateway.errors import RunEnded, UnknownRun, UpstreamUnreachable
from harness.gateway.journal import CallJournal, read_journal
from harness.gateway.run import Run, Runs
from tests.gateway.manual_clock import ManualClock
from tests.gateway.served import question

REQUEST = CanonicalRequest.from_payload(question())


async def call(run: Run, work: Callable[[], Awaitable[object]]) -> None:
    async with run.call(REQUEST, True) as under_way:
        under_way.status = 200
        await work()


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_the_end_cuts_ends_with_the_run() -> None:
    """Giving a call up takes a moment; that moment is not the run's."""
    clock = ManualClock()
    run = Run("r", 1, clock)

    async def slow_to_leave() -> None:
        try:
            await forever()
        finally:
            clock.now += 3

    task = asyncio.create_task(call(run, slow_to_leave))
    await asyncio.sleep(0)
    clock.now += 2
    marks = await run.end()
    with pytest.raises(RunEnded):
        await task
    (record,) = run.records()
    assert (record.end_s, marks.wall_s) == (2, 2)


async def test_a_call_whose_caller_left_first_is_not_blamed_on_the_end() -> None:
    run = Run("r", 1, ManualClock())

    async def leaves() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)

    task = asyncio.create_task(call(run, leaves))
    await asyncio.sleep(0)
    task.cancel()
    await run.end()
    with pytest.raises(asyncio.CancelledError):
        await task
    (record,) = run.records()
    assert (record.status, record.error) == (499, "the client went away")


async def test_records_come_in_the_order_of_arrival_whoever_ends_first() -> None:
    run = Run("r", 2, ManualClock())
    first_may_end = asyncio.Event()
    first = asyncio.create_task(call(run, first_may_end.wait))
    await asyncio.sleep(0)
    await call(run, lambda: asyncio.sleep(0))
    assert [record.number for record in run.records()] == [2]
    first_may_end.set()
    await first
    assert [record.number for record in run.records()] == [1, 2]


async def test_an_error_of_the_model_is_on_the_record() -> None:
    run = Run("r", 1, ManualClock())

    async def unreachable() -> None:
        raise UpstreamUnreachable("nobody there")

    with pytest.raises(UpstreamUnreachable):
        await call(run, unreachable)
    (record,) = run.records()
    # `call` set status 200, but no byte of that answer was on its way.
    assert (record.status, record.error) == (502, "nobody there")


async def test_a_run_that_ended_takes_no_call() -> None:
    run = Run("r", 1, ManualClock())
    await run.end()
    with pytest.raises(RunEnded):
        await call(run, forever)
    assert list(run.records()) == []


async def test_all_runs_end_together() -> None:
    runs = Runs(ManualClock())
    runs.open("a", 1)
    runs.open("b", 1)
    await runs["a"].end()
    await runs.end_all()
    assert runs["a"].ended
    assert runs["b"].ended
    with pytest.raises(UnknownRun, match="'c'"):
        runs["c"]


async def test_of_the_runs_that_ended_only_the_last_are_remembered() -> None:
    runs = Runs(ManualClock())
    runs.open("open", 1)
    runs.open("kept", 1)
    task = asyncio.create_task(call(runs["kept"], forever))
    await asyncio.sleep(0)
    await runs["kept"].end()
    with pytest.raises(RunEnded):
        await task
    for number in range(150):
        runs.open(f"r{number}", 1)
        await runs[f"r{number}"].end()
    assert not runs["open"].ended
    assert len([*runs["kept"].records()]) == 1
    with pytest.raises(UnknownRun):
        runs["r0"]
    assert runs["r149"].ended
    runs["kept"].forget()
    for number in range(150, 300):
        runs.open(f"r{number}", 1)
        await runs[f"r{number}"].end()
    with pytest.raises(UnknownRun):
        runs["kept"]


async def test_numbers_and_times_go_on_where_the_journal_ends(tmp_path: Path) -> None:
    """The time between two sittings is nobody's: it is neither the run's nor a call's."""
    clock, path = ManualClock(), tmp_path / "calls.jsonl"
    for _ in range(2):
        run = Run("r", 1, clock, journal=CallJournal.open(path))
        clock.now += 50
        run.begin()
        clock.now += 1

        async def takes_two() -> None:
            clock.now += 2

        await call(run, takes_two)
        clock.now += 4
        marks = await run.end()
        clock.now += 1000
    records = read_journal(path)
    assert [(r.number, r.arrival_s, r.granted_s, r.end_s) for r in records] == [(1, 1, 1, 3), (2, 4, 4, 6)]
    assert marks.wall_s == 3 + 1 + 2 + 4
    assert (run.progress().arrived, run.progress().finished, run.progress().failed) == (2, 2, 0)


async def test_a_call_before_the_begin_is_written_with_the_times_it_has_since(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "calls.jsonl"
    run = Run("r", 1, clock, journal=CallJournal.open(path))
    await call(run, lambda: asyncio.sleep(0))
    clock.now += 5
    assert run.progress().finished == 1
    run.begin()
    await run.end()
    (record,) = read_journal(path)
    assert (record.arrival_s, record.end_s) == (-5, -5)


async def test_what_the_end_cuts_is_in_the_journal_too(tmp_path: Path) -> None:
    """Also where the run never began: the harness was killed, and its gateway ends all runs."""
    path = tmp_path / "calls.jsonl"
    runs = Runs(ManualClock())
    runs.open("r", 1, journal=CallJournal.open(path))
    task = asyncio.create_task(call(runs["r"], forever))
    await asyncio.sleep(0)
    await runs.end_all()
    with pytest.raises(RunEnded):
        await task
    (record,) = read_journal(path)
    assert record.error == "run 'r' has ended"
    assert runs["r"].progress().failed == 1
