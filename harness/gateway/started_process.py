"""A process of this package from its start on: it loads while its owner finds out what it is to do.

Starting one is all that is done here, and little is loaded for it, so that it can be the first thing done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import IO

__all__ = ["GATEWAY_MODULE", "StartedProcess", "started_process"]

GATEWAY_MODULE = "harness.gateway"
"""The module that is run as the gateway."""

_STOP_TIMEOUT_S = 5.0
_LINE_LIMIT = 1 << 20


class StartedProcess:
    """A process that loads and then waits for a line on its stdin. Whoever says that line stops it, too."""

    def __init__(self, process: Process, stderr: IO[bytes], began_s: float) -> None:
        self.process = process
        self.began_s = began_s
        """When it was started, on the monotonic clock."""
        self._stderr = stderr
        self._told = False

    @property
    def told(self) -> bool:
        """Whether it was told what to do."""
        return self._told

    async def tell(self, line: bytes) -> None:
        """Tell it `line`, with its newline. Of one that has ended already nothing will be read."""
        self._told = True
        if self.process.stdin is None:
            raise ValueError("a process is told something through its stdin")
        self.process.stdin.write(line)
        with suppress(ConnectionError):
            await self.process.stdin.drain()

    def said(self, most: int) -> bytes:
        """The last `most` bytes that it wrote on stderr."""
        size = os.fstat(self._stderr.fileno()).st_size
        return os.pread(self._stderr.fileno(), most, max(0, size - most))

    def kill(self) -> None:
        """End it at once. It has nothing to clean up before it was told what to do."""
        # Not by asyncio, whose look at whether it still lives takes the exit status of one that does not.
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Have it end and see that it has; may be done again."""
        process = self.process
        # The end of its stdin stops it.
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await process.communicate()
        except TimeoutError:
            self.kill()
            await process.communicate()
        finally:
            self.kill()
            # asyncio does that a moment later by itself, when the loop may be gone.
            process._transport.close()  # type: ignore[attr-defined]


@asynccontextmanager
async def started_process(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[StartedProcess]:
    """A process that runs `module` with `arguments`; it is gone when the block is left.

    One that was told nothing until then is killed: it would load to its end before it saw that nothing comes.
    """
    with tempfile.TemporaryFile("a+b") as stderr:
        began_s = time.monotonic()
        started = StartedProcess(await _process(module, arguments, environment, stderr), stderr, began_s)
        try:
            yield started
        finally:
            if not started.told:
                started.kill()
            await started.stop()


async def _process(
    module: str, arguments: tuple[str, ...], environment: Mapping[str, str] | None, stderr: IO[bytes]
) -> Process:
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(
            sys.executable,
            # Not from the working directory, where an AgentFactory may have an `agents` of its own.
            "-P",
            "-m",
            module,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            env=environment,
            limit=_LINE_LIMIT,
            # Ctrl-C is for the harness, which then ends its runs and stops its processes itself.
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio leaves a process behind that is given up in the moment it starts.
        given_up = StartedProcess(await starting, stderr, 0.0)
        given_up.kill()
        await given_up.stop()
        raise
