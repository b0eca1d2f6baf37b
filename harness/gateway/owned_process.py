"""A process of this package, as its owner sees it: started with its settings, ready at a port, stopped.

`harness.gateway.owner` is the other side.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.gateway.errors import GatewayStartError
from harness.gateway.started_process import StartedProcess, started_process

__all__ = ["OwnedProcess", "Settings", "Told", "owned_process"]

Settings = TypeVar("Settings", bound=BaseModel)
Told: TypeAlias = Settings | Callable[[], Awaitable[Settings]]
"""The settings of a process, or what finds them out while it loads."""

_STDERR_LINES = 20
_STDERR_BYTES = 16 * 1024


class _Ready(BaseModel):
    """The line with which a process says that it serves."""

    model_config = ConfigDict(frozen=True)

    port: int


class OwnedProcess:
    """A process that serves at `port` of the loopback interface."""

    def __init__(self, started: StartedProcess, port: int) -> None:
        self.port = port
        self._started = started

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._started.process.pid

    async def wait(self) -> int:
        """Wait for its end; returns the exit status."""
        return await self._started.process.wait()

    def last_words(self) -> tuple[str, ...]:
        """The last lines that it wrote on stderr."""
        return _last_lines(self._started)


@asynccontextmanager
async def owned_process(
    module: str,
    settings: Told[BaseModel],
    *,
    called: str,
    start_timeout_s: float,
    started: StartedProcess | None = None,
) -> AsyncIterator[OwnedProcess]:
    """A process that runs `module` with `settings` and serves; it is gone when the block is left.

    `called` is what people call it; `started` is one that loads already. Raises `GatewayStartError`, and
    whatever finding out the settings does.
    """
    async with _loading(module, started) as loading:
        found = settings if isinstance(settings, BaseModel) else await settings()
        try:
            async with asyncio.timeout(start_timeout_s):
                port = await _port(loading, found)
        except TimeoutError:
            message = f"{called} did not start in {start_timeout_s:g} s"
            raise GatewayStartError(message, _last_lines(loading)) from None
        except ValidationError:
            raise GatewayStartError(f"{called} did not start", _last_lines(loading)) from None
        yield OwnedProcess(loading, port)


@asynccontextmanager
async def _loading(module: str, started: StartedProcess | None) -> AsyncIterator[StartedProcess]:
    if started is None:
        async with started_process(module) as own:
            yield own
        return
    try:
        yield started
    finally:
        # Not only when the whole command ends, where whoever started it would see to it.
        if not started.told:
            started.kill()
        await started.stop()


async def _port(started: StartedProcess, settings: BaseModel) -> int:
    await started.tell(settings.model_dump_json().encode() + b"\n")
    if started.process.stdout is None:
        raise ValueError("an owned process answers through its stdout")
    return _Ready.model_validate_json(await started.process.stdout.readline()).port


def _last_lines(started: StartedProcess) -> tuple[str, ...]:
    text = started.said(_STDERR_BYTES).decode(errors="replace")
    return tuple(text.splitlines()[-_STDERR_LINES:])
