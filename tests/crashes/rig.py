"""The rig of crash tests: builds in processes of their own, killed somewhere, resumed, and compared."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import re
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import redis

from agents.build import EventKind
from async_arch.redis_client import DEFAULT_PATIENCE_S
from async_arch.redis_keys import RunKeys
from harness.gateway.process import Gateway, running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from tests.crashes.builder import Assignment, build
from tests.crashes.server import RestartableServer, restartable_server

__all__ = ["Crash", "Result", "Rig", "Victim", "crash_rig", "random_crashes"]

_SLOTS = 4
_LONGEST_S = 90.0
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d")


class Victim(StrEnum):
    """Who is killed."""

    ENGINE = "engine"
    REDIS = "redis"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Crash:
    """Who is killed, and when: at the boundary of a task (`report:N`, ...; the engine alone), or after a
    part of the time that an undisturbed build takes, and so many tasks at least."""

    victim: Victim
    boundary: str = ""
    part: float = 0.0
    after_tasks: int = 0
    redis_gone_s: float = 0.05
    patience_s: float = DEFAULT_PATIENCE_S

    def __str__(self) -> str:
        when = self.boundary or f"{self.part:.0%} of the time and {self.after_tasks} tasks"
        away = f", away for {self.redis_gone_s:g} s" if self.victim is not Victim.ENGINE else ""
        return f"{self.victim.value} at {when}{away}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a build came to, timestamps aside. `calls` went to the model in each of its sittings."""

    exit_code: int | None
    document: str
    files: Mapping[str, str]
    ended: Mapping[str, int]
    """How often each task was announced as ended."""
    calls: tuple[int, ...]
    calls_paid_before: int = 0
    """Calls of the tasks that had ended when the crash came."""
    crashed: bool = False
    """Whether the crash came before the build was over."""

    def problems(self, undisturbed: Result) -> list[str]:
        """Why this is not what the undisturbed build came to; nothing where it is."""
        found = []
        if self.exit_code != 0:
            found.append(f"exit code {self.exit_code}")
        if self.document != undisturbed.document:
            found.append("another blackboard")
        if self.files != undisturbed.files:
            found.append(f"other files: {sorted(dict(self.files.items() ^ undisturbed.files.items()))}")
        if self.ended != undisturbed.ended:
            found.append(f"tasks ended otherwise: {Counter(self.ended) - Counter(undisturbed.ended)}")
        whole = undisturbed.calls[0]
        if len(self.calls) > 1 and self.calls[1] != whole - self.calls_paid_before:
            found.append(
                f"{self.calls[1]} calls after the crash; {whole - self.calls_paid_before} were not paid"
            )
        return found


class Rig:
    """Builds one thing over and over, with and without crashes."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self._gateway = gateway
        self._folder = folder
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["tests.crashes.builder"])
        self.undisturbed: Result | None = None
        self._wall_s = 0.0

    async def measure(self) -> Result:
        """Build undisturbed: what crashed builds are compared with."""
        with restartable_server() as server:
            # The first process also loads everything.
            await self._build(server, None)
            began = time.monotonic()
            self.undisturbed = await self._build(server, None)
            self._wall_s = time.monotonic() - began
        return self.undisturbed

    async def crash(self, crash: Crash) -> Result:
        """Build with a crash, and resume where the engine was killed."""
        with restartable_server() as server:
            return await self._build(server, crash)

    async def _build(self, server: RestartableServer, crash: Crash | None) -> Result:
        run = f"run-{secrets.token_hex(4)}"
        project = self._folder / run
        project.mkdir()
        first = f"{run}-first"
        await self._gateway.open_run(first, _SLOTS)
        assignment = Assignment(
            server.url,
            self._gateway.ollama_host(first),
            run,
            project,
            die_at=crash.boundary if crash else "",
            redis_patience_s=crash.patience_s if crash else DEFAULT_PATIENCE_S,
        )
        process = self._start(assignment)
        crashed = False
        if crash is not None and not crash.boundary:
            await asyncio.sleep(crash.part * self._wall_s)
            # What the stream holds is asked for, as nobody is told here.
            while process.is_alive() and len(_ends(server, run)) < crash.after_tasks:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            crashed = process.is_alive()
            if crash.victim is not Victim.REDIS:
                process.kill()
            if crash.victim is not Victim.ENGINE:
                server.kill()
                await asyncio.sleep(crash.redis_gone_s)
                server.start()
        code = await self._ended(process)
        if crash is not None and crash.boundary:
            crashed = code != 0
        calls = [await self._calls(first)]
        paid = 0
        if crash is not None and code != 0:
            paid = sum(cost for _, cost in _ends(server, run))
            second = f"{run}-second"
            await self._gateway.open_run(second, _SLOTS)
            code = await self._ended(
                self._start(
                    replace(assignment, ollama_host=self._gateway.ollama_host(second), resume=True, die_at="")
                )
            )
            calls.append(await self._calls(second))
        files = {
            path.relative_to(project).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(project.rglob("*"))
            if path.is_file()
        }
        return Result(
            exit_code=code,
            document=_TIMESTAMP.sub("(time)", files.pop("blackboard.json", "(none)")),
            files=files,
            ended=Counter(task for task, _ in _ends(server, run)),
            calls=tuple(calls),
            calls_paid_before=paid,
            crashed=crashed,
        )

    def _start(self, assignment: Assignment) -> ForkServerProcess:
        process = self._processes.Process(target=build, args=(assignment,), daemon=True)
        process.start()
        return process

    async def _ended(self, process: ForkServerProcess) -> int | None:
        await asyncio.to_thread(process.join, _LONGEST_S)
        if process.is_alive():
            process.kill()
            process.join()
            return None
        code = process.exitcode
        process.close()
        return code

    async def _calls(self, run: str) -> int:
        return len([call for call in (await self._gateway.end(run)).calls if call.status == 200])


@asynccontextmanager
async def crash_rig(folder: Path) -> AsyncIterator[Rig]:
    """A rig with a gateway of its own; the simulated model takes some milliseconds for an answer."""
    simulated = SimulateSettings(ttft_s=0.005, tokens_per_s=100_000)
    settings = GatewaySettings(upstream=simulated, token=secrets.token_urlsafe(24))
    async with running_gateway(settings) as gateway:
        rig = Rig(gateway, folder)
        await rig.measure()
        yield rig


def random_crashes(seed: int, number: int) -> list[Crash]:
    """Crashes at random moments inside tasks, each victim in turn."""
    drawn = random.Random(seed)  # noqa: S311
    return [
        Crash(victim, part=drawn.uniform(0.02, 0.98), redis_gone_s=drawn.choice([0.0, 0.05, 0.3]))
        for _, victim in zip(range(number), list(Victim) * number, strict=False)
    ]


def _ends(server: RestartableServer, run: str) -> list[tuple[str, int]]:
    """The tasks that were announced as ended, each with the calls it took."""
    with redis.Redis.from_url(server.url, protocol=2) as client:
        entries = client.xrange(RunKeys(run)["events"])
    return [
        (fields[b"task"].decode(), int(fields.get(b"calls", b"0")))
        for _, fields in entries
        if fields[b"kind"] in (EventKind.TASK_COMPLETED.encode(), EventKind.TASK_FAILED.encode())
    ]
