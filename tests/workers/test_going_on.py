"""Workers that stop, are given up, or lose Redis: nothing is lost, and nothing done twice without need."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio

from agents.blackboard import ProjectStatus
from agents.build import BuildOutcome
from agents.conversation import Cause
from agents.workflow import ANALYST
from async_arch.embedded_redis import embedded_redis
from async_arch.executor import Assignment
from async_arch.workers import docket_executor
from async_arch.workers.task_worker import TaskWorker, WorkerSettings
from tests.crashes.server import RestartableServer, restartable_server
from tests.executors.bed import CODE, ORDER, TASKS, Bed, docket_keys, facts, left
from tests.executors.team_model import TeamModel, team_model, until

TAKEOVER_S = 1.5
"""So long that a busy machine does not make a worker look silent."""


@pytest_asyncio.fixture
async def model() -> AsyncIterator[TeamModel]:
    async with team_model() as model:
        yield model


@pytest_asyncio.fixture
async def bed(model: TeamModel) -> AsyncIterator[Bed]:
    async with embedded_redis() as server:
        yield Bed("docket", server.url, model)


@pytest.fixture
def server() -> Iterator[RestartableServer]:
    with restartable_server() as server:
        yield server


@pytest.fixture
def soon_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks are looked for as soon as tests want it."""
    monkeypatch.setattr(docket_executor, "_LOOK_S", 0.1)
    monkeypatch.setattr(docket_executor, "_LOST_AFTER_S", 0.3)


async def away_for_a_moment(server: RestartableServer) -> None:
    """Restart the server; its workers notice."""
    server.kill()
    await asyncio.sleep(0.3)
    server.start()


@asynccontextmanager
async def at_work(
    redis_url: str, name: str
) -> AsyncIterator[tuple[TaskWorker, asyncio.Event, asyncio.Task[None]]]:
    """A worker, what stops it, and its work."""
    settings = WorkerSettings(redis_url, CODE, takeover_s=TAKEOVER_S, name=name, concurrency=2)
    async with TaskWorker.opened(settings) as worker:
        stop = asyncio.Event()
        work = asyncio.create_task(worker.work(stop))
        try:
            yield worker, stop, work
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work


async def one_left(bed: Bed) -> None:
    """Return when only the task that the model holds up is left in the queue."""
    await until(lambda: bed.model.answered["optimizer:Orders"] == 1, "the rest is answered")
    async with asyncio.timeout(10):
        while (await docket_keys(bed.redis_url))["entries"] > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def one_under_way(
    bed: Bed, folder: Path
) -> AsyncIterator[tuple[TaskWorker, asyncio.Task[None], asyncio.Task[BuildOutcome]]]:
    """A worker, its work, and a build of which it reviews Users and has nothing else: the model holds it."""
    bed.model.held = lambda task: task == "reviewer:Users"
    async with at_work(bed.redis_url, "first") as (worker, _, work):
        build = asyncio.create_task(bed.build("run", folder))
        await bed.model.until_asked("reviewer:Users")
        await one_left(bed)
        yield worker, work, build


async def test_a_worker_that_stops_ends_its_tasks_however_long_they_take_and_begins_none(
    bed: Bed, tmp_path: Path
) -> None:
    bed.model.held = lambda task: task == "reviewer:Users"
    async with AsyncExitStack() as stack:
        first, stop, work = await stack.enter_async_context(at_work(bed.redis_url, "first"))
        build = asyncio.create_task(bed.build("run", tmp_path))
        await bed.model.until_asked("reviewer:Users")
        await one_left(bed)
        stop.set()
        second, _, _ = await stack.enter_async_context(at_work(bed.redis_url, "second"))
        # Longer than the lease would hold without being renewed.
        await asyncio.sleep(2 * TAKEOVER_S)
        assert (facts(first).draining, len(facts(first).busy), work.done()) == (True, 1, False)
        done = facts(first).done
        bed.model.go.set()
        assert (await build).failures == ()
        await work
        assert facts(first).done == done + 1
        await until(lambda: facts(second).done == TASKS - done - 1, "the other one has done the rest")
        assert facts(first).taken_over + facts(second).taken_over == 0
        assert set((await left(bed.redis_url, "run", tmp_path)).started.values()) == {1}


async def test_what_comes_to_a_worker_as_it_stops_goes_back_to_the_queue(bed: Bed) -> None:
    async with AsyncExitStack() as stack:
        first, stop, work = await stack.enter_async_context(at_work(bed.redis_url, "first"))
        _, executor = await stack.enter_async_context(bed.executing("run"))
        stop.set()
        # Redis has it waiting for a message at this moment.
        doing = asyncio.create_task(executor.execute(Assignment(ANALYST, 0, ORDER, None)))
        await work
        assert (facts(first).done, bed.model.tasks) == (0, [])
        second, _, _ = await stack.enter_async_context(at_work(bed.redis_url, "second"))
        await doing
        await until(lambda: facts(second).done == 1, "it is counted")
        assert facts(second).taken_over == 0


async def test_the_tasks_of_a_worker_that_is_given_up_go_to_another(bed: Bed, tmp_path: Path) -> None:
    bed.model.held = lambda task: task == "reviewer:Users" and not bed.model.gone
    async with AsyncExitStack() as stack:
        _, stop, work = await stack.enter_async_context(at_work(bed.redis_url, "first"))
        build = asyncio.create_task(bed.build("run", tmp_path))
        await bed.model.until_asked("reviewer:Users")
        stop.set()
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await until(lambda: bed.model.gone["reviewer:Users"] == 1, "the call is given up")
        second, _, _ = await stack.enter_async_context(at_work(bed.redis_url, "second"))
        assert (await build).failures == ()
        assert facts(second).taken_over >= 1


async def test_a_worker_goes_on_when_redis_was_away(
    model: TeamModel, server: RestartableServer, tmp_path: Path
) -> None:
    """What it was doing is done once, although its lease had lapsed."""
    bed = Bed("docket", server.url, model)
    async with one_under_way(bed, tmp_path) as (worker, _, build):
        server.kill()
        await asyncio.sleep(1.2 * TAKEOVER_S)
        model.go.set()
        # It is asked twice: for its findings, and again once they are mended.
        await until(lambda: model.answered["reviewer:Users"] >= 1, "the model has answered", 10)
        server.start()
        assert (await build).failures == ()
        # Done twice, it is counted twice; what it left tells.
        await until(lambda: facts(worker).done >= TASKS, "it is counted", timeout_s=10)
        # It may have been told that it lost its lease after it had reported.
        assert facts(worker).taken_over == facts(worker).repeated
    assert set((await left(server.url, "run", tmp_path)).started.values()) == {1}


async def test_a_worker_takes_no_task_from_itself_where_redis_stood_still(
    model: TeamModel, server: RestartableServer, tmp_path: Path
) -> None:
    """For longer than a lease: by the clock of Redis it was silent, and it is the first that looks."""
    bed = Bed("docket", server.url, model)
    async with one_under_way(bed, tmp_path) as (worker, _, build):
        server.stand_still()
        await asyncio.sleep(1.4 * TAKEOVER_S)
        server.go_on()
        await asyncio.sleep(TAKEOVER_S)
        assert model.tasks.count("reviewer:Users") == 1
        model.go.set()
        assert (await build).failures == ()
        assert facts(worker).taken_over == 0


async def test_a_worker_begins_tasks_as_soon_as_redis_is_back_while_those_it_had_go_on(
    model: TeamModel, server: RestartableServer, tmp_path: Path
) -> None:
    """Docket begins none before those have ended. They keep their places: it never has more at once."""
    bed = Bed("docket", server.url, model)
    model.takes_s = 0.05
    async with one_under_way(bed, tmp_path / "run") as (worker, _, build):
        for other in ("second", "third"):
            await away_for_a_moment(server)
            model.held = lambda task: False
            model.most_at_once.clear()
            async with asyncio.timeout(20):
                assert (await bed.build(other, tmp_path / other)).failures == ()
            assert (build.done(), set(model.most_at_once.values())) == (False, {2})
        model.go.set()
        assert (await build).failures == ()
        model.most_at_once.clear()
        assert (await bed.build("last", tmp_path / "last")).failures == ()
        assert set(model.most_at_once.values()) == {2}, "the place was given back"
        assert facts(worker).taken_over == 0
    assert set((await left(server.url, "run", tmp_path / "run")).started.values()) == {1}


async def test_a_worker_that_lost_redis_and_is_given_up_leaves_none_of_its_tasks_running(
    model: TeamModel, server: RestartableServer, tmp_path: Path
) -> None:
    bed = Bed("docket", server.url, model)
    async with one_under_way(bed, tmp_path / "run") as (first, work, build):
        await away_for_a_moment(server)
        model.held = lambda task: False
        assert (await bed.build("other", tmp_path / "other")).failures == ()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert facts(first).busy == ()
        assert [each for each in asyncio.all_tasks() if " - task:" in each.get_name()] == []
        async with at_work(server.url, "second") as (second, _, _):
            assert (await build).failures == ()
            assert facts(second).taken_over == 1


async def test_a_moment_without_redis_gives_no_task_to_another(
    model: TeamModel, server: RestartableServer, tmp_path: Path
) -> None:
    """Docket ends the renewal of its leases with the loop that lost Redis, while its tasks go on."""
    bed = Bed("docket", server.url, model)
    model.held = lambda task: task == "reviewer:Users"
    async with at_work(server.url, "first") as (first, _, _):
        build = asyncio.create_task(bed.build("run", tmp_path))
        await model.until_asked("reviewer:Users")
        async with at_work(server.url, "second") as (second, _, _):
            await one_left(bed)
            server.kill()
            server.start()
            await asyncio.sleep(2 * TAKEOVER_S)
            model.go.set()
            assert (await build).failures == ()
            assert facts(first).taken_over + facts(second).taken_over == 0
            assert set((await left(server.url, "run", tmp_path)).started.values()) == {1}


@pytest.mark.usefixtures("soon_lost")
async def test_a_task_that_redis_forgot_is_put_in_again(
    model: TeamModel, server: RestartableServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis comes back as it was before the task was put in, with the brief that was told it."""
    bed = Bed("docket", server.url, model)
    build = asyncio.create_task(bed.build("run", tmp_path / "run"))
    async with asyncio.timeout(10):
        while "entries" not in await docket_keys(server.url):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    forget(server, b":brief")
    async with at_work(server.url, "only") as (worker, _, _):
        outcome = await build
        assert outcome.failures == ()
        await until(lambda: facts(worker).done == TASKS, "it is counted")
        assert "analyst of run was lost and is put in again" in caplog.text
        await bed.build("whole", tmp_path / "whole")
    assert await left(server.url, "run", tmp_path / "run") == await left(
        server.url, "whole", tmp_path / "whole"
    )


@pytest.mark.usefixtures("soon_lost")
async def test_a_build_of_which_redis_forgot_ended_tasks_fails_and_is_resumed(
    model: TeamModel, server: RestartableServer, tmp_path: Path
) -> None:
    """It has gone on from them: to go on would leave a blackboard with holes."""
    bed = Bed("docket", server.url, model)
    model.held = lambda task: task == "integrator"
    async with at_work(server.url, "only"):
        build = asyncio.create_task(bed.build("run", tmp_path / "run"))
        await model.until_asked("integrator")
        forget(server, b":tasks\r\n$15\r\noptimizer:Users")
        outcome = await build
        (failure,) = outcome.failures
        assert (failure.cause, outcome.status) == (Cause.STATE, ProjectStatus.FAILED)
        assert re.search(
            r"has forgotten \d of 10 tasks that had ended in run run: resume the build$", failure.reason
        )
        await until(lambda: model.gone["integrator"] == 1, "the task that was under way is taken back")
        model.go.set()
        assert (await bed.build("run", tmp_path / "run", resume=True)).failures == ()
        await bed.build("whole", tmp_path / "whole")
    resumed, whole = [await left(server.url, run, tmp_path / run) for run in ("run", "whole")]
    assert (resumed.board, resumed.files, resumed.checkpoints) == (
        whole.board,
        whole.files,
        whole.checkpoints,
    )


def forget(server: RestartableServer, what: bytes) -> None:
    """Kill the server and start it with what it knew before the first write of `what`."""
    server.kill()
    (log,) = Path(server.url.removeprefix("unix://")).parent.glob("appendonlydir/*.incr.aof")
    known = log.read_bytes()
    log.write_bytes(known[: known.index(what)])
    server.start()
