"""The async engine on a file with a mirror in Redis: the build neither waits for Redis nor fails with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agents.blackboard import ProjectStatus
from agents.build import BuildOutcome, MirrorReport
from agents.conversation import ModelReply, ModelRequest
from agents.plan import ModuleHint
from agents.project import Order
from agents.roles import Role
from async_arch.composition import Orchestration
from async_arch.document_mirror import MirrorFollower
from async_arch.embedded_redis import EmbeddedRedis, embedded_redis
from async_arch.engine import AsyncEngine
from async_arch.json_state import JsonStateStore
from async_arch.mirror_state import MirrorStateStore
from async_arch.orchestrator import AsyncOrchestrator
from async_arch.performing import performing
from async_arch.redis_client import open_redis
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateStore, StateUnavailable
from async_arch.workspace import Workspace
from tests.network.proxy import Proxy, proxying
from tests.simulated_calls import SimulatedCalls, SimulatedModel

ORDER = Order("A list of books.", (ModuleHint("Books"), ModuleHint("Shelf", requires=("Books",))))

Happening = Callable[[ModelRequest], Awaitable[None]]


class EventfulCalls(SimulatedCalls):
    """Calls beside which something happens."""

    def __init__(self, happening: Happening) -> None:
        super().__init__(SimulatedModel())
        self._happening = happening

    async def __call__(self, request: ModelRequest) -> ModelReply:
        await self._happening(request)
        return await super().__call__(request)


async def nothing(_: ModelRequest) -> None: ...


@asynccontextmanager
async def network() -> AsyncIterator[tuple[EmbeddedRedis, Proxy, str]]:
    async with embedded_redis() as server, proxying(Path(urlsplit(server.url).path)) as proxy:
        yield server, proxy, f"redis://127.0.0.1:{proxy.port}/0"


async def build(
    state: StateStore, folder: Path, happening: Happening = nothing, *, patience_s: float = 5.0
) -> BuildOutcome:
    workspace = Workspace(folder)
    orchestrator = AsyncOrchestrator(
        state=state,
        perform=performing(EventfulCalls(happening)),
        workspace=workspace,
        orchestration=Orchestration.CONCURRENT,
        concurrency=4,
        now=lambda: "t",
    )
    return await AsyncEngine(orchestrator, state, workspace, patience_s=patience_s).build(ORDER)


async def mirrored(url: str, folder: Path, happening: Happening = nothing, **limits: float) -> MirrorReport:
    """How the mirror kept up with a build that is to be as it is without one."""
    led, alone = folder / "led", folder / "alone"
    led.mkdir()
    alone.mkdir()
    async with MirrorStateStore.open(led / "blackboard.json", url, "run") as state:
        outcome = await build(state, led, happening, **limits)
    assert (outcome.status, outcome.failures) == (ProjectStatus.COMPLETE, ())
    await build(JsonStateStore(alone / "blackboard.json"), alone)
    assert (led / "blackboard.json").read_bytes() == (alone / "blackboard.json").read_bytes()
    assert outcome.mirror is not None
    return outcome.mirror


async def test_each_save_is_offered_and_the_last_is_verified(tmp_path: Path) -> None:
    async with network() as (_, _, url):
        report = await mirrored(url, tmp_path)
        async with RedisStateManager.open(url, "run") as follower:
            board = await follower.snapshot()
    assert board == json.loads((tmp_path / "led" / "blackboard.json").read_text())
    # It begins, has 12 tasks, and ends.
    assert report.saves == 14
    assert (report.caught_up, report.problem) == (True, None)
    assert 0 < report.lag_median_s <= report.lag_max_s  # type: ignore[operator]


async def test_a_redis_that_is_killed_leaves_the_mirror_behind_and_the_build_as_ever(tmp_path: Path) -> None:
    async with network() as (server, _, url):

        async def kill(request: ModelRequest) -> None:
            if request.role is Role.OPTIMIZER:
                os.kill(server.pid, signal.SIGKILL)

        report = await mirrored(url, tmp_path, kill, patience_s=0.3)
    assert not report.caught_up
    assert report.verified < report.saves
    assert "no answer from Redis at" in str(report.problem)


async def test_a_redis_that_hangs_is_not_waited_for_either(tmp_path: Path) -> None:
    async with network() as (_, proxy, url):
        hung = asyncio.Event()

        async def hang(request: ModelRequest) -> None:
            if request.role is Role.ANALYST:
                hung.set()

        async with asyncio.timeout(8), asyncio.TaskGroup() as group:
            building = group.create_task(mirrored(url, tmp_path, hang, patience_s=0.3))
            await hung.wait()
            async with proxy.hanging():
                report = await building
    assert not report.caught_up
    assert report.problem == "not caught up within 0.3 s"


async def test_a_redis_that_is_back_before_the_end_is_caught_up_with(tmp_path: Path) -> None:
    async with network() as (_, proxy, url):

        async def away_for_a_while(request: ModelRequest) -> None:
            if request.role is Role.ANALYST:
                await proxy.disappear()
            elif request.role is Role.INTEGRATOR:
                await proxy.appear()

        report = await mirrored(url, tmp_path, away_for_a_while)
    assert report.caught_up
    assert report.verified < report.saves


async def test_a_redis_that_never_was_there_is_told_before_anything_is_begun(tmp_path: Path) -> None:
    with pytest.raises(StateUnavailable, match="no answer from Redis"):
        async with MirrorStateStore.open(tmp_path / "blackboard.json", "redis://127.0.0.1:1/0", "run"):
            pass
    assert list(tmp_path.iterdir()) == []


async def test_a_bug_in_the_mirror_is_its_problem_alone(tmp_path: Path) -> None:
    """Whatever it is: no run may fail with what only follows it."""
    async with (
        embedded_redis() as server,
        open_redis(server.url) as connection,
        MirrorFollower.on(connection, "run") as follower,
    ):
        follower.offer({"a": object()})
        report = await follower.finish(0.3)
    assert not report.caught_up
    assert report.problem == "TypeError: Object of type object is not JSON serializable"
