"""A gateway process, owned: started, spoken to through its control API, and stopped."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import IO

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.gateway.calls import CallRecord, RunLog, RunMarks, RunProgress
from harness.gateway.control import OpenRun, authorization
from harness.gateway.errors import GatewayDied, GatewayError, GatewayRefused, GatewayStartError
from harness.gateway.settings import LOOPBACK, GatewaySettings

__all__ = ["Gateway", "running_gateway"]

_START_TIMEOUT_S = 20.0
_CONTROL_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_DEATH_TIMEOUT_S = 1.0
_STDERR_LINES = 20
_STDERR_BYTES = 16 * 1024


class _Ready(BaseModel):
    """The line with which a gateway says that it serves."""

    model_config = ConfigDict(frozen=True)

    port: int


class Gateway:
    """A gateway process that serves, as its owner sees it. Its methods raise `GatewayError`."""

    def __init__(
        self, port: int, session: aiohttp.ClientSession, process: Process, stderr: IO[bytes]
    ) -> None:
        self._url = f"http://{LOOPBACK}:{port}"
        self._session = session
        self._process = process
        self._stderr = stderr

    @property
    def pid(self) -> int:
        """The process id of the gateway."""
        return self._process.pid

    def ollama_host(self, run_id: str) -> str:
        """The value of `OLLAMA_HOST` for the engine of a run."""
        return f"{self._url}/r/{run_id}"

    async def open_run(self, run_id: str, slots: int, cassette: str = "") -> None:
        """Take calls for a new run, of which `slots` at a time reach the model.

        `cassette` names the one that the run records or replays, where the gateway has a folder of them.
        """
        wanted = OpenRun(id=run_id, slots=slots, cassette=cassette)
        await self._control("POST", "", wanted.model_dump_json())

    async def begin(self, run_id: str) -> None:
        """Set the mark from which the run's times count."""
        await self._control("POST", f"/{run_id}/begin")

    async def end(self, run_id: str) -> RunLog:
        """End the run, give up its calls under way, and fetch its log, of which the gateway keeps nothing."""
        marks = RunMarks.model_validate_json(await self._control("POST", f"/{run_id}/end"))
        lines = await self._control("GET", f"/{run_id}/calls")
        # A run has megabytes of records; reading them must not stop the owner's loop.
        calls = await asyncio.to_thread(_records, lines)
        await self._control("DELETE", f"/{run_id}/calls")
        return RunLog(**dict(marks), calls=calls)

    async def progress(self, run_id: str) -> RunProgress:
        """How far the run has come."""
        return RunProgress.model_validate_json(await self._control("GET", f"/{run_id}/progress"))

    async def _control(self, method: str, path: str, body: str | None = None) -> bytes:
        try:
            async with self._session.request(
                method, f"{self._url}/control/runs{path}", data=body
            ) as response:
                content = await response.read()
                if response.ok:
                    return content
                reason = (await response.json())["error"]
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise await self._fault(problem) from problem
        raise GatewayRefused(f"the gateway refused: {reason}")

    async def _fault(self, problem: Exception) -> GatewayError:
        try:
            async with asyncio.timeout(_DEATH_TIMEOUT_S):
                status = await self._process.wait()
        except TimeoutError:
            return GatewayError(f"the gateway does not answer ({type(problem).__name__})")
        return GatewayDied(f"the gateway died with exit status {status}", _tail(self._stderr))


@asynccontextmanager
async def running_gateway(settings: GatewaySettings) -> AsyncIterator[Gateway]:
    """A gateway process of these settings that serves, and is gone when the block is left."""
    with tempfile.TemporaryFile("a+b") as stderr:
        async with _process(stderr) as process:
            port = await _ready(process, settings, stderr)
            async with aiohttp.ClientSession(
                headers=authorization(settings.token),
                timeout=aiohttp.ClientTimeout(total=_CONTROL_TIMEOUT_S),
                # A connection of its own for each request: there are few, and none that went stale.
                connector=aiohttp.TCPConnector(force_close=True),
            ) as session:
                yield Gateway(port, session, process, stderr)


@asynccontextmanager
async def _process(stderr: IO[bytes]) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        # Not from the working directory, where an AgentFactory may have an `agents` of its own.
        "-P",
        "-m",
        "harness.gateway",
        stdin=PIPE,
        stdout=PIPE,
        stderr=stderr,
        # Ctrl-C is for the harness, which then ends its runs and stops the gateway itself.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        await _stop(process)


async def _ready(process: Process, settings: GatewaySettings, stderr: IO[bytes]) -> int:
    if process.stdin is None or process.stdout is None:
        raise ValueError("a gateway process is spoken to through its pipes")
    process.stdin.write(settings.model_dump_json().encode() + b"\n")
    try:
        async with asyncio.timeout(_START_TIMEOUT_S):
            with suppress(ConnectionError):
                await process.stdin.drain()
            line = await process.stdout.readline()
    except TimeoutError:
        raise GatewayStartError(
            f"the gateway did not start in {_START_TIMEOUT_S:g} s", _tail(stderr)
        ) from None
    try:
        return _Ready.model_validate_json(line).port
    except ValidationError:
        raise GatewayStartError("the gateway did not start", _tail(stderr)) from None


async def _stop(process: Process) -> None:
    # The end of its stdin stops a gateway. A signal would be sent only after a look at whether the process
    # still lives, which takes the exit status of one that does not away from asyncio.
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()


def _records(lines: bytes) -> tuple[CallRecord, ...]:
    return tuple(CallRecord.model_validate_json(line) for line in lines.splitlines())


def _tail(stderr: IO[bytes]) -> tuple[str, ...]:
    size = os.fstat(stderr.fileno()).st_size
    start = max(0, size - _STDERR_BYTES)
    text = os.pread(stderr.fileno(), _STDERR_BYTES, start).decode(errors="replace")
    return tuple(text.splitlines()[-_STDERR_LINES:])
