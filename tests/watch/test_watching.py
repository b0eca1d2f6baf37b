"""Watching a run: every event is told once and in order, whatever becomes of Redis, file and owner."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agents.blackboard import ProjectInfo, ProjectStatus, Section
from agents.build import EventKind, TaskEvent
from async_arch.embedded_redis import EmbeddedRedis, embedded_redis
from async_arch.state_manager import RedisStateManager
from harness.errors import BadInputError
from harness.record import OutcomeStatus, RunOutcome, RunStore, Sitting, StatePlace
from harness.record.run_lock import locked_run
from harness.watch import RunEnd, watch_run
from tests.compare.records import BOARD, make_call
from tests.network.proxy import Proxy, proxying
from tests.watch.runs import EVENTS, Heard, begun, end_run, event, lines, planned_board

INFO = ProjectInfo("a shop", "2024-05-01T10:00:00", ProjectStatus.BUILDING)


def _file(root: Path, run: str) -> Path:
    return RunStore(root).folder(run) / "events.jsonl"


def _append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def _no_redis(root: Path) -> str:
    return begun(root, state=None).id


@asynccontextmanager
async def _watched(root: Path, run: str) -> AsyncIterator[tuple[Heard, asyncio.Task[RunEnd]]]:
    """A run that somebody works on for the length of the block, and its watcher."""
    heard = Heard()
    async with locked_run(RunStore(root).folder(run)):
        watching = asyncio.create_task(watch_run(RunStore(root), run, heard))
        try:
            yield heard, watching
        except BaseException:
            watching.cancel()
            raise


async def _end(watching: asyncio.Task[RunEnd]) -> RunEnd:
    async with asyncio.timeout(20):
        return await watching


async def test_a_run_that_has_ended_is_told_whole_at_once(tmp_path: Path) -> None:
    run = _no_redis(tmp_path)
    end_run(tmp_path, run, EVENTS)
    heard = Heard()
    end = await watch_run(RunStore(tmp_path), run, heard)
    assert heard.told == list(EVENTS)
    assert [numbered.number for numbered in heard.events] == list(range(1, len(EVENTS) + 1))
    assert end.finished


async def test_the_file_is_told_as_it_grows_and_its_end_when_it_is_replaced(tmp_path: Path) -> None:
    """The end of a run writes it anew; by then more may have happened than was read."""
    run = _no_redis(tmp_path)
    path = _file(tmp_path, run)
    async with _watched(tmp_path, run) as (heard, watching):
        content = lines(*EVENTS[:3])
        _append(path, content[:-20])
        await heard.until(2)
        _append(path, content[-20:])
        await heard.until(3)
        end_run(tmp_path, run, EVENTS)
    assert (await _end(watching)).finished
    assert heard.told == list(EVENTS)


async def test_the_plan_is_told_when_the_audit_is_done_even_if_it_is_being_written(tmp_path: Path) -> None:
    run = _no_redis(tmp_path)
    board = RunStore(tmp_path).folder(run) / "files" / "blackboard.json"
    board.write_text(planned_board()[:1000])
    async with _watched(tmp_path, run) as (heard, watching):
        _append(_file(tmp_path, run), lines(*EVENTS[:5]))
        await heard.until(5)
        assert heard.tasks == ()
        board.write_text(planned_board())
        _append(_file(tmp_path, run), lines(*EVENTS[5:]))
        await heard.until(len(EVENTS))
        end_run(tmp_path, run, EVENTS)
    await _end(watching)
    assert heard.tasks[:3] == ("analyst", "auditor", "architect:Users")
    assert heard.tasks[-1] == "debugger"
    assert len(heard.tasks) == len(set(heard.tasks)) == 2 + 4 * 3 + 1 + 2


async def test_a_run_whose_owner_dies_is_told_as_far_as_it_came(tmp_path: Path) -> None:
    run = _no_redis(tmp_path)
    async with _watched(tmp_path, run) as (heard, watching):
        _append(_file(tmp_path, run), lines(*EVENTS[:4]))
        await heard.until(1)
    end = await _end(watching)
    assert heard.told == list(EVENTS[:4])
    assert (end.summary, end.finished, end.resumable) == (None, False, True)


async def test_a_failed_run_has_not_finished_and_may_be_resumable(tmp_path: Path) -> None:
    run = _no_redis(tmp_path)
    for status in (OutcomeStatus.FAILED, OutcomeStatus.BROKEN):
        end_run(tmp_path, run, outcome=RunOutcome(status=status), resumable=status is OutcomeStatus.FAILED)
        end = await watch_run(RunStore(tmp_path), run, Heard())
        assert (end.finished, end.resumable) == (False, status is OutcomeStatus.FAILED)


async def test_of_an_engine_that_announces_nothing_every_call_is_told_once(tmp_path: Path) -> None:
    """While it runs calls stand as they ended, afterwards as they arrived."""
    run = _no_redis(tmp_path)
    calls = [make_call("developer", "A", number=number) for number in (1, 2, 3)]
    path = RunStore(tmp_path).folder(run) / "calls.jsonl"
    async with _watched(tmp_path, run) as (heard, watching):
        _append(path, calls[1].model_dump_json().encode() + b"\n" + b'{"run": "ru')
        async with asyncio.timeout(20):
            while not heard.calls:
                await heard.more()
        record = end_run(tmp_path, run)
        path.write_text("".join(f"{call.model_dump_json()}\n" for call in calls))
        assert record.events == ()
    await _end(watching)
    assert [call.number for call in heard.calls] == [2, 1, 3]


async def test_an_event_that_is_none_is_bad_input_with_file_and_line(tmp_path: Path) -> None:
    run = _no_redis(tmp_path)
    end_run(tmp_path, run, EVENTS)
    _append(_file(tmp_path, run), b'{"kind": "NAP"}\n')
    with pytest.raises(BadInputError, match=rf"events\.jsonl:{len(EVENTS) + 1}: is no event"):
        await watch_run(RunStore(tmp_path), run, Heard())


# --- Redis


def _over(proxy: Proxy) -> StatePlace:
    return StatePlace(server="redis", url=f"redis://127.0.0.1:{proxy.port}/0")


def _socket(server: EmbeddedRedis) -> Path:
    return Path(urlsplit(server.url).path)


async def _announce(server: EmbeddedRedis, run: str, *events: TaskEvent) -> None:
    async with RedisStateManager.open(server.url, run) as state:
        for one in events:
            await state.announce(one)


async def _create(server: EmbeddedRedis, run: str, first: TaskEvent) -> None:
    """Begin the state of `run`, with the plan of `BOARD` in it."""
    async with RedisStateManager.open(server.url, run) as state:
        await state.create(INFO, first)
        await state.transaction(
            [Section.ARCHITECTURE], lambda _: {Section.ARCHITECTURE: BOARD["architecture"]}
        )


async def test_events_come_through_the_stream_with_their_ids_and_the_plan(tmp_path: Path) -> None:
    async with embedded_redis() as server, proxying(_socket(server)) as proxy:
        run = begun(tmp_path, state=_over(proxy)).id
        await _create(server, run, EVENTS[0])
        async with _watched(tmp_path, run) as (heard, watching):
            await heard.until(1)
            await _announce(server, run, *EVENTS[1:])
            await heard.until(len(EVENTS))
            end_run(tmp_path, run, EVENTS)
        await _end(watching)
    assert heard.told == list(EVENTS)
    idents = [tuple(map(int, numbered.ident.split("-"))) for numbered in heard.events]
    assert idents == sorted(idents)
    assert len(heard.tasks) == 2 + 4 * 3 + 1 + 2
    assert set(heard.notes) <= {""}


async def test_whoever_begins_late_is_told_all_and_by_the_stream_first(tmp_path: Path) -> None:
    """What stands in both has the id that only the stream tells."""
    async with embedded_redis() as server:
        run = begun(tmp_path, state=StatePlace(server="redis", url=server.url)).id
        await _create(server, run, EVENTS[0])
        await _announce(server, run, *EVENTS[1:])
        _append(_file(tmp_path, run), lines(*EVENTS))
        async with _watched(tmp_path, run) as (heard, watching):
            await heard.until(len(EVENTS))
            end_run(tmp_path, run, EVENTS)
        await _end(watching)
    assert heard.told == list(EVENTS)
    assert all(numbered.ident for numbered in heard.events)


async def test_a_restart_of_redis_loses_and_doubles_no_event(tmp_path: Path) -> None:
    """Killed, and back with what it had; the watcher goes on from where it was."""
    data, run = tmp_path / "data", "run"
    async with AsyncExitStack() as first:
        server = await first.enter_async_context(embedded_redis(data_dir=data))
        async with proxying(_socket(server)) as proxy:
            begun(tmp_path, run, state=_over(proxy))
            await _create(server, run, EVENTS[0])
            async with _watched(tmp_path, run) as (heard, watching):
                await _announce(server, run, *EVENTS[1:4])
                await heard.until(4)
                os.kill(server.pid, signal.SIGKILL)
                await proxy.disappear()
                await first.aclose()
                async with asyncio.timeout(20):
                    while not any(heard.notes):
                        await heard.more()
                async with embedded_redis(data_dir=data) as successor:
                    await _announce(successor, run, *EVENTS[4:6])
                    proxy.server = _socket(successor)
                    await proxy.appear()
                    await heard.until(6)
                    await _announce(successor, run, *EVENTS[6:])
                    await heard.until(len(EVENTS))
                    end_run(tmp_path, run, EVENTS)
                    await _end(watching)
    assert heard.told == list(EVENTS)
    assert all(numbered.ident for numbered in heard.events)
    assert "Redis" in next(filter(None, heard.notes))
    assert heard.notes[-1] == ""


async def test_while_redis_is_away_events_come_from_the_file_and_none_comes_twice(tmp_path: Path) -> None:
    async with embedded_redis() as server, proxying(_socket(server)) as proxy:
        run = begun(tmp_path, state=_over(proxy)).id
        path = _file(tmp_path, run)
        await _create(server, run, EVENTS[0])
        async with _watched(tmp_path, run) as (heard, watching):
            await _announce(server, run, EVENTS[1])
            _append(path, lines(*EVENTS[:2]))
            await heard.until(2)
            async with proxy.away():
                await _announce(server, run, *EVENTS[2:5])
                _append(path, lines(*EVENTS[2:5]))
                await heard.until(5)
            await _announce(server, run, *EVENTS[5:])
            _append(path, lines(*EVENTS[5:]))
            await heard.until(len(EVENTS))
            end_run(tmp_path, run, EVENTS)
        await _end(watching)
    assert heard.told == list(EVENTS)
    assert [bool(numbered.ident) for numbered in heard.events[:5]] == [True, True, False, False, False]


async def test_what_a_server_took_with_it_is_on_file(tmp_path: Path) -> None:
    """An embedded server goes with the run, and may go before its last events were read."""
    async with embedded_redis() as server:
        run = begun(tmp_path, state=StatePlace(server="redis", url=server.url)).id
        await _create(server, run, EVENTS[0])
        async with _watched(tmp_path, run) as (heard, watching):
            await heard.until(1)
            end_run(tmp_path, run, EVENTS)
        await _end(watching)
    assert heard.told == list(EVENTS)


async def test_an_engine_that_has_state_in_redis_and_no_stream_is_told_by_its_file(tmp_path: Path) -> None:
    """As the legacy loop with its blackboard mirrored."""
    async with embedded_redis() as server:
        run = begun(tmp_path, state=StatePlace(server="redis", url=server.url)).id
        async with _watched(tmp_path, run) as (heard, watching):
            _append(_file(tmp_path, run), lines(*EVENTS[:2]))
            await heard.until(2)
            end_run(tmp_path, run, EVENTS)
        await _end(watching)
    assert heard.told == list(EVENTS)


async def test_a_password_that_is_not_written_down_is_not_needed(tmp_path: Path) -> None:
    place = StatePlace(server="redis", url="redis://:***@127.0.0.1:1/0", needs_password=True)
    run = begun(tmp_path, state=place).id
    async with _watched(tmp_path, run) as (heard, watching):
        _append(_file(tmp_path, run), lines(*EVENTS[:2]))
        await heard.until(2)
        end_run(tmp_path, run, EVENTS)
    await _end(watching)
    assert heard.notes == []


async def test_a_run_that_is_taken_up_elsewhere_is_followed_there(tmp_path: Path) -> None:
    """Whoever resumes it has an embedded server of their own, and a new file of the same events."""
    data, run = tmp_path / "data", "run"
    resumed = event(9, EventKind.BUILD_RESUMED)
    async with AsyncExitStack() as first:
        server = await first.enter_async_context(embedded_redis(data_dir=data))
        manifest = begun(tmp_path, run, state=StatePlace(server="redis", url=server.url))
        await _create(server, run, EVENTS[0])
        async with _watched(tmp_path, run) as (heard, watching):
            await heard.until(1)
            await first.aclose()
            async with embedded_redis(data_dir=data) as successor:
                await _announce(successor, run, resumed, EVENTS[1])
                sitting = Sitting(began_at=EVENTS[1].at, pid=1, host="here")
                place = StatePlace(server="redis", url=successor.url)
                RunStore(tmp_path).begin_again(
                    manifest.model_copy(update={"state": place, "sittings": (*manifest.sittings, sitting)})
                )
                await heard.until(3)
                end_run(tmp_path, run, [EVENTS[0], resumed, *EVENTS[1:]])
                end = await _end(watching)
    assert heard.told == [EVENTS[0], resumed, *EVENTS[1:]]
    assert len(end.manifest.sittings) == 2


async def test_a_watcher_that_is_stopped_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    async with embedded_redis() as server:
        run = begun(tmp_path, state=StatePlace(server="redis", url=server.url)).id
        await _create(server, run, EVENTS[0])
        folder = RunStore(tmp_path).folder(run)
        before = json.dumps(sorted(str(path) for path in folder.rglob("*")))
        async with _watched(tmp_path, run) as (heard, watching):
            await heard.until(1)
            watching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await _end(watching)
        assert json.dumps(sorted(str(path) for path in folder.rglob("*"))) == before
        async with RedisStateManager.open(server.url, run) as state:
            assert (await anext(state.events_after())).event == EVENTS[0]
