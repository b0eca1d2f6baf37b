"""Builds by workers whose Redis restarts, forgets or gives way to another in mid-build."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import redis

from tests.crashes.builder import TASKS
from tests.network.proxy import Proxy, proxying
from tests.workers.kills import building, gateway_url, undisturbed_build
from tests.workers.left_by_workers import Accounts, accounts_of, count_ended, unequal
from tests.workers.orchestrating import Builds
from tests.workers.processes import guarded_server, until, worker_processes

__all__ = ["Accident", "Survived", "survive"]

_WITHIN_S = 100.0
_FORGETS_TASKS = 3


class Accident(StrEnum):
    """What becomes of the Redis."""

    KILLED = "killed, and started again on its file"
    ENDED = "ended by SIGTERM, and started again on its file"
    FORGETS = "killed, and started again without what it wrote last"
    REPLACED = "killed, and its replica promoted"


@dataclass(frozen=True, slots=True)
class Survived:
    """What came of it."""

    accounts: Accounts
    sittings: int
    """How often builds had to be taken up: once where none failed and had to be resumed."""
    reasons: tuple[str, ...]
    """Why builds failed in the first sitting."""
    failed: dict[str, str]
    unequal: dict[str, list[str]]


class _Server:
    """A server at a port that it keeps over all its lives, or another after the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.url = f"unix://{self.socket}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *more: str) -> None:
        """Start it and wait until it answers."""
        self.socket.unlink(missing_ok=True)
        options = {"port": "0", "unixsocket": str(self.socket), "dir": str(self.folder), "save": ""}
        options |= {"appendonly": "yes", "appendfsync": "everysec"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        command = [*guarded_server(), *arguments, *more]
        self._process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
        await until(self._answers)

    async def stop(self, number: int) -> None:
        """Send it a signal and wait for its end."""
        if self._process is not None:
            self._process.send_signal(number)
            await self._process.wait()
            self._process = None

    async def _answers(self) -> bool:
        def asked() -> bool:
            try:
                with redis.Redis.from_url(self.url, protocol=2) as client:
                    return bool(client.ping())
            except redis.RedisError:
                return False

        return await asyncio.to_thread(asked)


async def survive(accident: Accident, builds: int, folder: Path, *, workers: int = 2) -> Survived:
    """Have workers make so many builds at once; after half of the tasks the accident comes."""
    runs = tuple(f"run{number}" for number in range(builds))
    async with (
        _servers(replicated=accident is Accident.REPLACED) as servers,
        proxying(servers[0].socket) as proxy,
        gateway_url() as model,
    ):
        url = f"redis://127.0.0.1:{proxy.port}/0"
        undisturbed = await undisturbed_build(url, model, folder)
        orchestrator = Builds(url, model, folder, runs)
        with worker_processes(url, folder / "workers") as fleet:
            await fleet.started(workers)
            async with building(orchestrator, within_s=_WITHIN_S) as first:
                await _until_half(url, runs)
                await _ACCIDENTS[accident](_Scene(servers, proxy, url, runs))
                assert not first.over, "the builds ended before the accident did"
            failed = dict(first.failed)
            if failed:
                again = replace(orchestrator, runs=tuple(failed), resume=True)
                async with building(again, within_s=_WITHIN_S) as second:
                    pass
                failed = second.failed
            assert fleet.dead == [], "workers ended although Redis came back"
            codes = await fleet.drain()
        assert set(codes.values()) == {0}, codes
        return Survived(
            await accounts_of(url, runs),
            2 if first.failed else 1,
            tuple(sorted(set(first.failed.values()))),
            failed,
            await unequal(url, folder, runs, undisturbed),
        )


@asynccontextmanager
async def _servers(*, replicated: bool) -> AsyncIterator[tuple[_Server, _Server]]:
    """A server, and another that is its replica where there is to be one."""
    with tempfile.TemporaryDirectory(prefix="rx", dir="/tmp") as short:
        pair = _Server(Path(short, "a")), _Server(Path(short, "b"))
        for server in pair:
            server.folder.mkdir()
        try:
            await pair[0].start()
            async with proxying(pair[0].socket) as between:
                if replicated:
                    await pair[1].start("--replicaof", f"127.0.0.1 {between.port}")
                    await until(lambda: asyncio.to_thread(_follows, pair[1].url))
                yield pair
        finally:
            for server in pair:
                await server.stop(signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where the accident happens: clients reach the first of the servers at `url`, through the proxy."""

    servers: tuple[_Server, _Server]
    proxy: Proxy
    url: str
    runs: tuple[str, ...]


async def _restart(servers: tuple[_Server, _Server], number: int) -> None:
    await servers[0].stop(number)
    await servers[0].start()


async def _killed(scene: _Scene) -> None:
    await _restart(scene.servers, signal.SIGKILL)


async def _ended(scene: _Scene) -> None:
    await _restart(scene.servers, signal.SIGTERM)


async def _forgets(scene: _Scene) -> None:
    """What it wrote until some more tasks had ended is taken away again: what it may lose is of a second."""
    server = scene.servers[0]
    data, before = server.folder / "appendonlydir", server.folder / "before"
    await asyncio.to_thread(shutil.copytree, data, before)
    ended_before = await count_ended(scene.url, scene.runs)

    async def goes_on() -> bool:
        return await count_ended(scene.url, scene.runs) >= ended_before + _FORGETS_TASKS

    await until(goes_on)
    await server.stop(signal.SIGKILL)
    shutil.rmtree(data)
    before.rename(data)
    await server.start()


async def _replaced(scene: _Scene) -> None:
    """The replica is promoted when the first is gone; clients go on at the same address."""
    first, second = scene.servers
    await first.stop(signal.SIGKILL)
    with redis.Redis.from_url(second.url, protocol=2) as client:
        client.execute_command("REPLICAOF", "NO", "ONE")
    scene.proxy.server = second.socket
    scene.proxy.cut()


def _follows(url: str) -> bool:
    with redis.Redis.from_url(url, protocol=2) as client:
        found = client.info("replication")
    return found["master_link_status"] == "up" and not found["master_sync_in_progress"]


_ACCIDENTS: dict[Accident, Callable[[_Scene], Awaitable[None]]] = {
    Accident.KILLED: _killed,
    Accident.ENDED: _ended,
    Accident.FORGETS: _forgets,
    Accident.REPLACED: _replaced,
}


async def _until_half(url: str, runs: tuple[str, ...]) -> None:
    async def half() -> bool:
        return await count_ended(url, runs) >= TASKS * len(runs) / 2

    await until(half)
