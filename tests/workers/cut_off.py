"""A comparison by workers in namespaces of their own, of which one is cut off in mid-run and comes back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from async_arch.redis_client import RedisConnection, open_redis
from async_arch.state_store import StateUnavailable
from async_arch.workers.roster import live_workers
from async_arch.workers.task_queue import queue_name
from harness.cli.application import main
from harness.record.fingerprint import tasks_code
from harness.spec import find_spec
from tests.workers.left_by_workers import Accounts, accounts_of, count_tasks
from tests.workers.network_spaces import Network, enter, network
from tests.workers.processes import QUEUE, ended, guarded_server, started_process, until, worker_processes

__all__ = ["CutOff", "compare_with_cuts"]

_GROUP = "docket-workers"
_LOOK_S = 0.01
_WITHIN_S = 300.0
"""The control is built before anything is cut."""


@dataclass(frozen=True, slots=True)
class CutOff:
    """What came of it: the comparison as the command tells it, and the accounts of the candidate."""

    code: int | None
    comparison: dict[str, Any]
    accounts: Accounts
    counted: Counter[str]
    cuts: int
    """How often the worker was cut off while it had tasks and the build was under way."""
    taken: int
    """How many tasks were taken from the worker while it was cut off."""
    done_after: int
    """How many tasks it did after it was back."""
    said: str

    @property
    def differences(self) -> list[str]:
        """In what the candidate differs."""
        return [
            mismatch["sentence"] for layer in self.comparison["layers"] for mismatch in layer["mismatches"]
        ]


async def compare_with_cuts(spec: Path, folder: Path, *pace: str, cuts: int = 1) -> CutOff:
    """Compare legacy with workers on `spec`; of two workers, one loses its network so many times."""
    with network(spokes=2) as net, tempfile.TemporaryDirectory(prefix="rx", dir="/tmp") as short:
        async with (
            _redis(net, Path(short)) as look_url,
            open_redis(look_url) as connection,
        ):
            return await _compared(net, connection, spec, folder, pace, cuts)


async def _compared(
    net: Network,
    connection: RedisConnection,
    spec: Path,
    folder: Path,
    pace: Sequence[str],
    cuts: int,
) -> CutOff:
    fleet = worker_processes(_url(net), folder / "workers", look_url=connection.url, concurrency=2)
    with fleet as workers:
        cut = (await workers.started(network=net.spokes[0]))[0]
        await workers.started(network=net.spokes[1])
        arguments = (
            *("compare", str(spec), "--candidate", "async:workers", "--redis", _url(net)),
            *("--gateway-address", net.address, "--model", "simulated", "--json", *pace),
        )
        process = started_process(_command, net.hub, folder, arguments)
        taken: list[int] = []
        done = 0
        try:
            while len(taken) < cuts and (held := await _cut_off(net, connection, cut, process)):
                taken.append(held)
                done = await _done(connection, cut)
        except BaseException:
            process.kill()
            raise
        code = await ended(process, _WITHIN_S)
        done_after = await _done(connection, cut, back=True) - done
        (told,) = json.loads((folder / "out").read_text() or "[{}]")
        run = told["candidate"]["run"] if told else ""
        found = await accounts_of(connection.url, [run], count_tasks(find_spec(spec).order))
        codes = await workers.drain()
        assert set(codes.values()) == {0}, codes
        said = (folder / "errors").read_text()
        return CutOff(code, told, found, workers.counted(), len(taken), sum(taken), done_after, said)


def _url(net: Network) -> str:
    return f"redis://{net.address}:6379/0"


@asynccontextmanager
async def _redis(net: Network, folder: Path) -> AsyncIterator[str]:
    """A server in the hub; the URL by which it is looked into from outside."""
    options = {"bind": net.address, "port": "6379", "protected-mode": "no", "dir": str(folder), "save": ""}
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    socket = folder / "s"
    process = await asyncio.create_subprocess_exec(
        *("ip", "netns", "exec", net.hub, *guarded_server(), *arguments, "--unixsocket", socket),
        stdout=subprocess.DEVNULL,
    )
    try:
        await until(socket.exists)
        yield f"unix://{socket}"
    finally:
        process.kill()
        await process.wait()


def _command(space: str, folder: Path, arguments: Sequence[str]) -> None:
    """Be the command in the namespace `space`."""
    enter(space)
    for number, name in ((1, "out"), (2, "errors")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o666), number)
    os.environ.pop("OLLAMA_HOST", None)
    sys.argv = ["harness", *arguments, "--store", str(folder / "store")]
    sys.stdout, sys.stderr = open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115 (for good)
    try:
        main()
    finally:
        sys.stdout.flush()


async def _cut_off(net: Network, connection: RedisConnection, worker: str, build: ForkServerProcess) -> int:
    """Cut the worker off while it has tasks, and let it back when others have them.

    Returns how many those were; 0 where the build ended before the worker had one.
    """

    async def held_or_over() -> bool:
        return bool(await _held(connection, worker)) or not build.is_alive()

    async def free() -> bool:
        return not await _held(connection, worker)

    held = 0
    while not held:
        await until(held_or_over, _WITHIN_S)
        if not build.is_alive():
            return 0
        net.cut(net.spokes[0])
        try:
            # From here on it can give nothing back; what it did until now has arrived.
            await asyncio.sleep(10 * _LOOK_S)
            held = await _held(connection, worker)
            await until(free)
        finally:
            net.restore(net.spokes[0])
    return held


async def _held(connection: RedisConnection, worker: str) -> int:
    """How many tasks the queue says that the worker has."""
    stream = f"{queue_name(QUEUE, tasks_code(None))}:stream"
    try:
        consumers = await connection.ask(lambda: connection.client.xinfo_consumers(stream, _GROUP))
    except StateUnavailable:
        # There is no queue yet.
        return 0
    return sum(int(each["pending"]) for each in consumers if each["name"].decode() == worker)


async def _done(connection: RedisConnection, worker: str, *, back: bool = False) -> int:
    """How many tasks the worker says that it has done; `back`: as soon as it is heard of and does none."""
    async with asyncio.timeout(_WITHIN_S):
        while True:
            found = [each for each in await live_workers(connection) if each.name == worker]
            if found and not (back and found[0].busy):
                return found[0].done
            await asyncio.sleep(_LOOK_S)
