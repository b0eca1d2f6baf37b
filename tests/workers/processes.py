"""Workers as processes: forked where everything is loaded already, killed or ended at any moment.

    with worker_processes(redis_url, folder) as workers:
        (name,) = await workers.started()
        workers.kill(name)

Each is what `harness worker` runs. What it counts is also written to a file, for a worker that is killed
cannot say it any more.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import secrets
import signal
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import async_arch.async_calls  # noqa: F401 (once, and not in every process that is forked)
from async_arch import redis_guard
from async_arch.embedded_redis import find_server
from async_arch.redis_client import open_redis
from async_arch.workers import task_worker
from async_arch.workers.roster import live_workers
from harness.record.fingerprint import source_digests
from harness.workers.serving import ServeSettings, serve_worker
from tests.workers.network_spaces import enter

__all__ = [
    "QUEUE",
    "WorkerOptions",
    "WorkerProcesses",
    "ended",
    "guarded_server",
    "serve",
    "started_process",
    "until",
    "worker_processes",
]

QUEUE = "default"
_STARTS_WITHIN_S = 60.0
_ENDS_WITHIN_S = 30.0

# Once, before anything is forked: all that comes from here is of one code, whatever is edited meanwhile.
source_digests()

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["tests.workers.processes", "tests.workers.orchestrating", "tests.crashes.builder"]
)


def started_process(target: Callable[..., None], *arguments: Any) -> ForkServerProcess:
    """A process that does `target` and ends with whoever started it."""
    process = _processes.Process(target=_alone, args=(target, *arguments), daemon=True)
    process.start()
    return process


def _alone(target: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=_end_with_owner, name="owner", daemon=True).start()
    target(*arguments)


def _end_with_owner() -> None:
    """Wait until the process of the test is gone, however it went; then nobody wants this one any more."""
    owner = multiprocessing.parent_process()
    if owner is not None:
        wait([owner.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)


async def ended(process: ForkServerProcess, within_s: float) -> int | None:
    """Its exit code; None where it had to be killed."""
    await asyncio.to_thread(process.join, within_s)
    code = process.exitcode
    if code is None:
        process.kill()
        await asyncio.to_thread(process.join)
    process.close()
    return code


def guarded_server() -> list[str]:
    """What starts a Redis server that ends with this process, before its own arguments."""
    return [sys.executable, "-I", "-S", redis_guard.__file__, str(os.getpid()), str(find_server().path)]


async def until(
    there: Callable[[], object | Awaitable[object]], within_s: float = 120.0, look_s: float = 0.01
) -> None:
    """Return as soon as `there` gives something true; `TimeoutError` where it never does."""
    async with asyncio.timeout(within_s):
        while True:
            found = there()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(look_s)


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How the workers of a fleet are started; `tally` is the file for what they count."""

    redis_url: str
    tally: Path
    concurrency: int = 4
    takeover_s: float = 1.0
    redis_patience_s: float = 60.0
    network: str = ""
    """The network namespace that they are in; empty for that of the test."""


def serve(options: WorkerOptions, name: str) -> None:
    """Be a worker until SIGTERM."""
    if options.network:
        enter(options.network)
    # What a worker says is for whoever looks into the folder of a test that failed.
    logging.basicConfig(filename=options.tally.with_name(f"{name}.log"), format="%(asctime)s %(message)s")
    tally = os.open(options.tally, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    counts: type = task_worker._Counts

    class ToldCounts(counts):
        def __setattr__(self, what: str, value: int) -> None:
            if value > getattr(self, what, 0):
                os.write(tally, f"{what}\n".encode())
            super().__setattr__(what, value)

    task_worker._Counts = ToldCounts  # type: ignore[misc]
    settings = ServeSettings(
        options.redis_url, QUEUE, options.concurrency, options.takeover_s, options.redis_patience_s, name=name
    )
    raise SystemExit(asyncio.run(serve_worker(settings, lambda _: None)))


@dataclass(slots=True)
class WorkerProcesses:
    """Workers of one fleet. `look_url` is where its Redis is reached from here."""

    options: WorkerOptions
    look_url: str
    _running: dict[str, ForkServerProcess] = field(default_factory=dict)

    def start(
        self, *, network: str = "", target: Callable[..., None] = serve, more: tuple[object, ...] = ()
    ) -> str:
        """Start one more and say what it is called; it may not work yet.

        `target` is what the process does with its options, its name and `more`.
        """
        name = f"w{secrets.token_hex(4)}"
        options = replace(self.options, network=network)
        self._running[name] = started_process(target, options, name, *more)
        return name

    async def started(self, count: int = 1, **more: Any) -> list[str]:
        """Start so many more and wait until all have said that they live."""
        names = [self.start(**more) for _ in range(count)]
        async with open_redis(self.look_url) as connection, asyncio.timeout(_STARTS_WITHIN_S):
            while not set(names) <= {each.name for each in await live_workers(connection)}:
                dead = [name for name in names if not self._running[name].is_alive()]
                assert not dead, f"{dead} ended instead of working; see {self.options.tally.parent}"
                await asyncio.sleep(0.02)
        return names

    @property
    def names(self) -> list[str]:
        """Those that were started and not killed."""
        return list(self._running)

    @property
    def dead(self) -> list[str]:
        """Those that ended although nobody killed them."""
        return [name for name, process in self._running.items() if not process.is_alive()]

    def pid(self, name: str) -> int:
        """Of which process the worker is."""
        pid = self._running[name].pid
        assert pid is not None
        return pid

    def kill(self, name: str) -> None:
        """SIGKILL."""
        process = self._running.pop(name)
        process.kill()
        process.join()
        process.close()

    async def drain(self) -> dict[str, int | None]:
        """SIGTERM to all: the exit code of each."""
        for process in self._running.values():
            process.terminate()
        codes = {name: await ended(process, _ENDS_WITHIN_S) for name, process in self._running.items()}
        self._running.clear()
        return codes

    def counted(self) -> Counter[str]:
        """What all of them counted up to now, those that were killed included."""
        tally = self.options.tally
        return Counter(tally.read_text().split() if tally.exists() else ())


@contextmanager
def worker_processes(
    redis_url: str, folder: Path, *, look_url: str = "", **options: Any
) -> Iterator[WorkerProcesses]:
    """A fleet without workers as yet; those that are left at the end of the block are killed."""
    folder.mkdir(parents=True, exist_ok=True)
    workers = WorkerProcesses(WorkerOptions(redis_url, folder / "tally", **options), look_url or redis_url)
    try:
        yield workers
    finally:
        for name in workers.names:
            workers.kill(name)
