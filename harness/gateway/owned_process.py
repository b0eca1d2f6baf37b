"""A process of this package, as its owner sees it: started with its settings, ready at a port, stopped.

`harness.gateway.owner` is the other side.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import IO, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.gateway.errors import GatewayStartError

__all__ = ["OwnedProcess", "Settings", "Told", "owned_process"]

Settings = TypeVar("Settings", bound=BaseModel)
Told: TypeAlias = Settings | Callable[[], Awaitable[Settings]]
"""The settings of a process, or what finds them out while it loads."""

_STOP_TIMEOUT_S = 5.0
_STDERR_LINES = 20
_STDERR_BYTES = 16 * 1024


class _Ready(BaseModel):
    """The line with which a process says that it serves."""

    model_config = ConfigDict(frozen=True)

    port: int


class OwnedProcess:
    """A process that serves at `port` of the loopback interface."""

    def __init__(self, process: Process, port: int, stderr: IO[bytes]) -> None:
        self.port = port
        self._process = process
        self._stderr = stderr

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for its end; returns the exit status."""
        return await self._process.wait()

    def last_words(self) -> tuple[str, ...]:
        """The last lines that it wrote on stderr."""
        return _tail(self._stderr)


@asynccontextmanager
async def owned_process(
    module: str, settings: Told[BaseModel], *, called: str, start_timeout_s: float
) -> AsyncIterator[OwnedProcess]:
    """A process that runs `module` with `settings` and serves; it is gone when the block is left.

    `called` is what people call it. Raises `GatewayStartError`, and whatever finding out the settings does.
    """
    with tempfile.TemporaryFile("a+b") as stderr:
        async with _process(module, stderr) as process:
            found = await _found(settings, process)
            try:
                async with asyncio.timeout(start_timeout_s):
                    port = await _port(process, found)
            except TimeoutError:
                message = f"{called} did not start in {start_timeout_s:g} s"
                raise GatewayStartError(message, _tail(stderr)) from None
            except ValidationError:
                raise GatewayStartError(f"{called} did not start", _tail(stderr)) from None
            yield OwnedProcess(process, port, stderr)


@asynccontextmanager
async def _process(module: str, stderr: IO[bytes]) -> AsyncIterator[Process]:
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            sys.executable,
            # Not from the working directory, where an AgentFactory may have an `agents` of its own.
            "-P",
            "-m",
            module,
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            # Ctrl-C is for the harness, which then ends its runs and stops its processes itself.
            start_new_session=True,
        )
    )
    try:
        process = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio leaves a process behind that is given up in the moment it starts.
        process = await starting
        process.kill()
        await _stop(process)
        raise
    try:
        yield process
    finally:
        await _stop(process)


async def _found(settings: Told[BaseModel], process: Process) -> BaseModel:
    if isinstance(settings, BaseModel):
        return settings
    try:
        return await settings()
    except BaseException:
        # It has nothing to clean up yet, and would load to its end before it saw that nothing comes.
        process.kill()
        raise


async def _port(process: Process, settings: BaseModel) -> int:
    if process.stdin is None or process.stdout is None:
        raise ValueError("an owned process is spoken to through its pipes")
    process.stdin.write(settings.model_dump_json().encode() + b"\n")
    with suppress(ConnectionError):
        await process.stdin.drain()
    return _Ready.model_validate_json(await process.stdout.readline()).port


async def _stop(process: Process) -> None:
    # The end of its stdin stops it. A signal would be sent only after a look at whether the process
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
        # asyncio does that a moment later by itself, when the loop may be gone.
        process._transport.close()  # type: ignore[attr-defined]


def _tail(stderr: IO[bytes]) -> tuple[str, ...]:
    size = os.fstat(stderr.fileno()).st_size
    start = max(0, size - _STDERR_BYTES)
    text = os.pread(stderr.fileno(), _STDERR_BYTES, start).decode(errors="replace")
    return tuple(text.splitlines()[-_STDERR_LINES:])
