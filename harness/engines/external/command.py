"""A command under way: started under a supervisor, and gone with all that came of it when nobody waits."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["Command", "CommandEnd", "RunningCommand", "running_command"]

_TELL_TIMEOUT_S = 5.0
# Longer than the supervisor takes: its grace for the command, and for what the command left behind.
_END_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be run, and the files that take what it prints."""

    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    stdout: Path
    stderr: Path


class CommandEnd(BaseModel):
    """How a command ended: its exit status (negative: the signal), or why it could not be started."""

    model_config = ConfigDict(frozen=True)

    status: int | None = None
    failed: str | None = None

    @property
    def problem(self) -> str | None:
        """Why one that was started did not end well, in a few words; None where it did."""
        if self.status is None:
            return "its supervisor ended without a word"
        if self.status < 0:
            with suppress(ValueError):
                return f"it was ended by {signal.Signals(-self.status).name}"
        return f"it ended with exit status {self.status}" if self.status else None


class RunningCommand:
    """A command that was started; `group` is its process group, None once all of it is known to be gone."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.group: int | None = None

    async def ended(self) -> CommandEnd:
        """How it ended, once it has."""
        said = await self._heard()
        if "started" in said:
            self.group = said["started"]
            said = await self._heard()
            if said:
                self.group = None
        return CommandEnd.model_validate(said)

    async def _heard(self) -> dict[str, Any]:
        """The next line of the supervisor; empty where it ended without one."""
        if self._process.stdout is None:
            raise ValueError("a supervisor is heard through a pipe")
        line = await self._process.stdout.readline()
        heard: dict[str, Any] = json.loads(line) if line else {}
        return heard


@asynccontextmanager
async def running_command(command: Command) -> AsyncIterator[RunningCommand]:
    """`command`, started; when the block is left, it and every process that came of it are gone."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        # Alone, without what is installed beside it: it starts sooner so, and nothing can get in its way.
        "-I",
        "-S",
        Path(__file__).with_name("supervisor.py"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        # Ctrl-C is for the harness, which ends its engines itself.
        start_new_session=True,
    )
    running = RunningCommand(process)
    try:
        await _tell(process, command)
        yield running
    finally:
        await _end(process, running)


async def _tell(process: Process, command: Command) -> None:
    if process.stdin is None:
        raise ValueError("a supervisor is spoken to through a pipe")
    job = {
        "command": list(command.words),
        "cwd": os.fspath(command.folder),
        "env": dict(command.environment),
        "stdout": os.fspath(command.stdout),
        "stderr": os.fspath(command.stderr),
    }
    process.stdin.write(json.dumps(job).encode() + b"\n")
    # One that does not listen is not worth more words: the command then never ends, and its time runs out.
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(_TELL_TIMEOUT_S):
            await process.stdin.drain()


async def _end(process: Process, running: RunningCommand) -> None:
    """Let the supervisor go: at the end of its input it ends the command and itself."""
    orderly = False
    try:
        async with asyncio.timeout(_END_TIMEOUT_S):
            if process.stdin is not None:
                process.stdin.close()
            await process.communicate()
            orderly = process.returncode == 0
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if running.group is not None and not orderly:
            # A supervisor that was killed ends nobody.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(running.group, signal.SIGKILL)
