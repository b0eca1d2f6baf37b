"""A build whose workers are not there waits and says so once; when it waits no longer it says why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from agents.blackboard import ProjectStatus
from agents.build import BuildOutcome
from agents.conversation import Cause
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import open_redis
from async_arch.state_manager import RedisStateManager
from async_arch.workers import docket_executor
from async_arch.workers.brief import RunBrief
from async_arch.workers.roster import live_workers
from async_arch.workers.settings import WorkersSettings
from async_arch.workers.task_queue import PERFORM, TaskReference, open_queue
from tests.executors.bed import CODE, MODEL, ORDER, Bed, facts, working
from tests.executors.team_model import team_model, until

OTHER = "0ddc0de0" * 8


@pytest_asyncio.fixture
async def bed(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bed]:
    monkeypatch.setattr(docket_executor, "_LOOK_S", 0.05)
    monkeypatch.setattr(docket_executor, "_LOST_AFTER_S", 0.2)
    async with embedded_redis() as server, team_model() as model:
        yield Bed("docket", server.url, model)


async def built(bed: Bed, folder: Path, wait_s: float | None) -> BuildOutcome:
    """What a build comes to that waits for `wait_s`."""
    assert bed.workers is not None
    return await bed.build("run", folder, workers=replace(bed.workers, wait_s=wait_s))


async def until_there(redis_url: str, count: int) -> None:
    """Return when so many workers have said that they live."""
    async with open_redis(redis_url) as connection, asyncio.timeout(10):
        while len(await live_workers(connection)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_without_workers_a_build_fails_after_a_while_and_says_why(bed: Bed, tmp_path: Path) -> None:
    outcome = await built(bed, tmp_path, 0.5)
    (failure,) = outcome.failures
    assert (outcome.status, failure.task, failure.cause) == (ProjectStatus.FAILED, "state", Cause.STATE)
    assert failure.reason == (
        f"no worker of code {CODE[:12]} serves queue default, where the tasks of run run wait on Redis at "
        f"{bed.redis_url}; workers there: none; waited for 0.5 s"
    )
    async with RedisStateManager.open(bed.redis_url, "run") as state:
        checkpoint = await state.checkpoint("analyst")
    assert checkpoint is None, "a build that is resumed goes on with it"
    # It was taken back: whoever comes now finds nothing to do.
    async with working(bed.redis_url) as (worker,):
        await asyncio.sleep(0.3)
        assert (facts(worker).done, facts(worker).repeated, bed.model.tasks) == (0, 0, [])


async def test_workers_of_other_code_or_another_queue_do_not_serve_a_build_and_are_named(
    bed: Bed, tmp_path: Path
) -> None:
    async with (
        working(bed.redis_url, 2, code=OTHER) as others,
        working(bed.redis_url, name="elsewhere", queue="a:default") as (elsewhere,),
    ):
        await until_there(bed.redis_url, 3)
        outcome = await built(bed, tmp_path, 0.5)
        assert sum(facts(each).done + facts(each).dropped for each in (*others, elsewhere)) == 0
    assert outcome.failures[0].reason.endswith(
        f"workers there: 2 of code {OTHER[:12]} at queue default, "
        f"1 of code {CODE[:12]} at queue a:default; waited for 0.5 s"
    )
    assert bed.model.tasks == []


async def test_a_build_that_waits_says_so_once_and_is_served_by_who_comes(
    bed: Bed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build = asyncio.create_task(built(bed, tmp_path, None))
    await until(lambda: "no worker of code" in caplog.text, "it warns")
    await asyncio.sleep(0.5)
    async with working(bed.redis_url):
        assert (await build).failures == ()
    warnings = [record for record in caplog.records if "no worker of code" in record.message]
    assert len(warnings) == 1
    assert "was lost" not in caplog.text


async def test_a_worker_that_ends_does_not_count_as_one_that_serves(bed: Bed, tmp_path: Path) -> None:
    bed.model.held = lambda task: True
    async with working(bed.redis_url) as (worker,):
        build = asyncio.create_task(built(bed, tmp_path, 1.0))
        await bed.model.until_asked("analyst")
        worker._draining = True
        outcome = await build
    assert f"workers there: 1 of code {CODE[:12]} at queue default, ending; " in outcome.failures[0].reason


async def test_a_brief_of_other_code_is_refused(bed: Bed, caplog: pytest.LogCaptureFixture) -> None:
    """Its queue has another name, unless the beginnings of two fingerprints are ever the same."""
    async with (
        working(bed.redis_url) as (worker,),
        bed.executing("run") as (state, _),
        open_queue(bed.redis_url, "default", CODE) as queue,
    ):
        assert isinstance(bed.workers, WorkersSettings)
        code = CODE[:16] + "f" * 48
        brief = RunBrief(ORDER, MODEL, bed.model.url, docket_executor.Generation.LLM, code)
        await state.leave_brief(brief.data)
        reference = TaskReference("run", "analyst", state.token, 0)
        await queue.add(PERFORM, key=reference.key)(**reference.arguments())
        await until(lambda: "is given up here" in caplog.text, "the worker refuses")
        assert f"run run was begun by code {code}, and this worker has {CODE}" in caplog.text
        assert (await state.checkpoint("analyst"), bed.model.tasks, facts(worker).done) == (None, [], 0)
