"""Workers killed at random while they build: what that comes to, beside an undisturbed build."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from async_arch.embedded_redis import embedded_redis
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from tests.crashes.builder import TASKS
from tests.executors.bed import Left, left
from tests.workers.left_by_workers import Accounts, accounts_of, count_ended, unequal
from tests.workers.orchestrating import Builds, build_all, failures
from tests.workers.processes import WorkerProcesses, ended, started_process, worker_processes

__all__ = ["Killed", "Killing", "UnderWay", "building", "gateway_url", "kill_at_random", "undisturbed_build"]

_WITHIN_S = 60.0
_UNTIL = 0.95
"""The share of the tasks that has ended when the last kill comes."""
_LATEST_S = 0.1
_LOOK_S = 0.02
_MODEL = SimulateSettings(ttft_s=0.1, tokens_per_s=10_000)


@dataclass(frozen=True, slots=True)
class Killing:
    """So many kills over so many builds at once, which `orchestrators` share; always `workers` live."""

    kills: int
    builds: int
    orchestrators: int = 1
    workers: int = 4
    seed: int = 9

    @property
    def within_s(self) -> float:
        """How long it may take on a busy machine."""
        return _WITHIN_S + 3.0 * self.builds + 2.0 * self.kills


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of it. Takeovers are counted by the workers that were told of one."""

    kills: int
    accounts: Accounts
    takeovers: int
    found_done: int
    """Tasks that were taken over and had been done already."""
    failed: dict[str, str]
    unequal: dict[str, list[str]]


@asynccontextmanager
async def gateway_url(model: SimulateSettings = _MODEL, slots: int = 1_000) -> AsyncIterator[str]:
    """Where a gateway with the simulated model is."""
    settings = GatewaySettings(upstream=model, token=secrets.token_urlsafe(24))
    async with running_gateway(settings) as gateway:
        await gateway.open_run("model", slots)
        yield gateway.ollama_host("model")


async def undisturbed_build(redis_url: str, model_url: str, folder: Path) -> Left:
    """What a build leaves whose tasks its own process does."""
    builds = Builds(redis_url, model_url, folder, ("undisturbed",), by_workers=False)
    code = await ended(started_process(build_all, builds), _WITHIN_S)
    assert (code, failures(builds)) == (0, {}), "the undisturbed build failed"
    return await left(redis_url, "undisturbed", folder / "undisturbed")


@dataclass(slots=True)
class UnderWay:
    """Orchestrators at work; `failed` says at the end which builds failed, and why."""

    processes: list[ForkServerProcess]
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether all have ended."""
        return not any(process.is_alive() for process in self.processes)


@asynccontextmanager
async def building(*orchestrators: Builds, within_s: float) -> AsyncIterator[UnderWay]:
    """The builds under way, each of `orchestrators` a process; at the end of the block they have ended.

    The block, and what is left to do after it, may each take `within_s`.
    """
    under_way = UnderWay([started_process(build_all, builds) for builds in orchestrators])
    try:
        async with asyncio.timeout(within_s):
            yield under_way
    except BaseException:
        for process in under_way.processes:
            process.kill()
        raise
    for builds, process in zip(orchestrators, under_way.processes, strict=True):
        code = await ended(process, within_s)
        assert code == 0, f"an orchestrator ended with {code}"
        under_way.failed |= failures(builds)


async def kill_at_random(killing: Killing, folder: Path) -> Killed:
    """Kill workers at random moments, spread evenly over the work, and start new ones in their place."""
    drawn = random.Random(killing.seed)  # noqa: S311
    runs = [f"run{number}" for number in range(killing.builds)]
    async with embedded_redis() as server, gateway_url() as model_url:
        undisturbed = await undisturbed_build(server.url, model_url, folder)
        shares = [tuple(runs[number :: killing.orchestrators]) for number in range(killing.orchestrators)]
        orchestrators = [Builds(server.url, model_url, folder, share) for share in shares]
        with worker_processes(server.url, folder / "workers") as workers:
            await workers.started(killing.workers)
            async with building(*orchestrators, within_s=killing.within_s) as under_way:
                kills = await _kill(killing, drawn, workers, server.url, runs, under_way)
            dead = workers.dead
            codes = await workers.drain()
            counted = workers.counted()
        assert dead == [], "workers ended that nobody killed"
        assert set(codes.values()) == {0}, codes
        return Killed(
            kills,
            await accounts_of(server.url, runs),
            counted["taken_over"],
            counted["repeated"],
            under_way.failed,
            await unequal(server.url, folder, runs, undisturbed),
        )


async def _kill(
    killing: Killing,
    drawn: random.Random,
    workers: WorkerProcesses,
    redis_url: str,
    runs: list[str],
    under_way: UnderWay,
) -> int:
    last = TASKS * killing.builds * _UNTIL
    moments = sorted(drawn.uniform(0, last) for _ in range(killing.kills))
    for kills, moment in enumerate(moments):
        while await count_ended(redis_url, runs) < moment:
            if under_way.over:
                return kills
            await asyncio.sleep(_LOOK_S)
        await asyncio.sleep(drawn.uniform(0, _LATEST_S))
        workers.kill(drawn.choice(workers.names))
        workers.start()
    return len(moments)
