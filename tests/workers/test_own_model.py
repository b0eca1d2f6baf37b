"""Workers with a model of their own, for builds that leave it to them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from agents.build import BuildOutcome
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import open_redis
from async_arch.workers.settings import ModelHost, ReachedModel
from async_arch.workers.task_queue import PERFORM, open_queue
from harness.errors import BadInputError
from harness.workers.own_model import own_model
from tests.executors.bed import CODE, TASKS, Bed, facts, working
from tests.executors.team_model import team_model, until
from tests.gateway_hosts.loopback_host import loopback_hosts

HOSTS = (ModelHost("http://gpu-0", 1), ModelHost("http://gpu-1", 2))


@pytest_asyncio.fixture
async def bed() -> AsyncIterator[Bed]:
    async with embedded_redis() as server, team_model() as model:
        yield Bed("docket", server.url, model)


async def _build(bed: Bed, run: str, folder: Path) -> BuildOutcome:
    """A build that leaves the model to its workers."""
    assert bed.workers is not None
    return await bed.build(run, folder, workers=replace(bed.workers, model_url=""))


async def test_the_slots_of_their_hosts_are_shared_by_all_workers(bed: Bed, tmp_path: Path) -> None:
    bed.model.takes_s = 0.01
    own = ReachedModel(bed.model.url, HOSTS)
    async with working(bed.redis_url, 2, concurrency=4, takeover_s=2.0, model=own) as workers:
        async with asyncio.TaskGroup() as group:
            builds = [group.create_task(_build(bed, f"run-{n}", tmp_path / str(n))) for n in range(3)]
        assert [build.result().failures for build in builds] == [()] * 3
        assert sum(facts(each).done for each in workers) == 3 * TASKS
    assert bed.model.most_at_once == {"/host/0": 1, "/host/1": 2}


async def test_a_host_that_is_left_out_gets_no_tasks(bed: Bed, tmp_path: Path) -> None:
    own = ReachedModel(bed.model.url, HOSTS, lambda: [HOSTS[1].url])
    async with working(bed.redis_url, model=own):
        assert (await _build(bed, "run", tmp_path)).failures == ()
    assert bed.model.most_at_once == {"/host/0": 1}


async def test_what_keeps_a_worker_from_waking_others_does_not_end_it(
    bed: Bed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Red where Redis may refuse that: the worker ends.
    own = ReachedModel(bed.model.url, HOSTS)
    async with (
        working(bed.redis_url, model=own),
        open_redis(bed.redis_url) as connection,
        open_queue(bed.redis_url, "default", CODE) as queue,
    ):
        waiting = f"{queue.prefix}:host:{HOSTS[0].name}:concurrency:{PERFORM}:waiters"
        await connection.client.set(waiting, "no list of who waits")
        await until(lambda: "cannot look for slots" in caplog.text, "the worker says so")
        await connection.client.delete(waiting)
        assert (await _build(bed, "run", tmp_path)).failures == ()


async def test_a_worker_without_one_leaves_the_tasks_to_others_and_says_why(
    bed: Bed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with working(bed.redis_url, name="without"):
        build = asyncio.create_task(_build(bed, "run", tmp_path))
        await until(
            lambda: "leaves the model to its workers, and this one has none" in caplog.text, "it says so"
        )
    async with working(bed.redis_url, name="with", model=ReachedModel(bed.model.url)):
        assert (await build).failures == ()


async def test_hosts_are_called_the_same_by_all_but_for_those_of_each_machine() -> None:
    async with loopback_hosts(2) as (first, second):
        text = f"ollama:{first.url}#3,{second.url}"
        async with own_model(text, slots=2) as model:
            assert model is not None
            assert [host.slots for host in model.hosts] == [3, 2]
            machine = socket.gethostname()
            assert [host.name for host in model.hosts] == [f"{machine}/{it.url}" for it in (first, second)]
            assert ModelHost.at("http://gpu-0:11434", 1).name == "http://gpu-0:11434"
            assert model.url_of(model.hosts[1].name) == f"{model.url}/host/1"
            assert model.hosts_in == model.hosts


@pytest.mark.parametrize("text", ["workers", "replay:somewhere", "record:somewhere@simulated"])
async def test_what_is_no_model_to_ask_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="neither records nor replays"):
        async with own_model(text, slots=1):
            pass


async def test_a_worker_has_none_unless_it_is_told() -> None:
    async with own_model(None, slots=1) as model:
        assert model is None
