"""The sandbox: a wall that was tried and holds here, and commands that are run behind it."""

from __future__ import annotations

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import SurroundingsError
from harness.sandbox.bubblewrap import Bubblewrap
from harness.sandbox.job import PROJECT, Ended, Limit, Limits, SandboxJob
from harness.sandbox.namespaces import Namespaces, switched_off
from harness.sandbox.view import KEEPER_PYTHON, view_of
from harness.sandbox.wall import Wall

__all__ = ["Sandbox", "SandboxUnavailable", "find_sandbox"]

_MARGIN_S = 10.0
_END_TIMEOUT_S = 5.0
_CHUNK = 1 << 16
_REPORT_BYTES = 4096
_TRIAL = SandboxJob((str(KEEPER_PYTHON), "-I", "-S", "-c", ""), limits=Limits(wall_s=10.0))


class SandboxUnavailable(SurroundingsError):
    """Nothing can be kept in here; the message says what was tried and what would help."""


class _Report(BaseModel):
    """What the keeper says of the end of its command."""

    model_config = ConfigDict(frozen=True)

    exit_code: int | None
    limit: Limit | None


class Sandbox:
    """Where commands are run that nobody trusts: each in a place of its own, which is gone when it ends."""

    def __init__(self, wall: Wall) -> None:
        self._wall = wall

    @property
    def name(self) -> str:
        """What keeps commands in."""
        return self._wall.name

    async def run(self, job: SandboxJob) -> Ended:
        """Run the command of `job`; whatever it started has ended when this returns or is cancelled.

        Raises `SandboxUnavailable` where it cannot be kept in; then nothing was run.
        """
        limits = job.limits
        async with _keeper(self._wall.keeper(view_of(job)), job) as (keeper, report):
            try:
                async with asyncio.timeout(limits.wall_s + _MARGIN_S), asyncio.TaskGroup() as reading:
                    stdout = reading.create_task(_read(keeper.stdout, limits.output))
                    stderr = reading.create_task(_read(keeper.stderr, limits.output))
                    said = reading.create_task(_read(report, _REPORT_BYTES))
            except* _TooMuch:
                cut_off = Limit.OUTPUT
            except* TimeoutError:
                cut_off = Limit.TIME
            else:
                return self._ended(stdout.result(), stderr.result(), said.result())
        return Ended(None, cut_off, b"", b"")

    def _ended(self, stdout: bytes, stderr: bytes, said: bytes) -> Ended:
        kept, _, report = said.partition(b"\n")
        if kept != b"kept":
            words = stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise SandboxUnavailable(f"{self.name}: {words[-1]}")
        try:
            told = _Report.model_validate_json(report)
        except ValidationError:
            return Ended(None, Limit.KEEPER, stdout, stderr)
        return Ended(told.exit_code, told.limit, stdout, stderr)


async def find_sandbox(walls: Sequence[Wall] | None = None) -> Sandbox:
    """The first of `walls` that holds here: each is tried by running a command behind it.

    Without any given: bubblewrap, then namespaces. Raises `SandboxUnavailable`.
    """
    tried = []
    for wall in (Bubblewrap(), Namespaces()) if walls is None else walls:
        missing = await asyncio.to_thread(wall.missing)
        if missing is None:
            try:
                ended = await Sandbox(wall).run(_TRIAL)
            except SandboxUnavailable as error:
                tried.append(str(error))
                continue
            if ended.exit_code == 0:
                return Sandbox(wall)
            missing = f"a command that does nothing ended otherwise: {ended}"
        tried.append(f"{wall.name}: {missing}")
    switch = switched_off()
    help_ = f"{switch}. " if switch else ""
    raise SandboxUnavailable(
        f"generated code is only run in a sandbox, and none can be had here: {'; '.join(tried)}. {help_}"
        "Needed is Linux with bubblewrap (bwrap) or user namespaces; in a container, one that allows them"
    )


class _TooMuch(Exception):
    """More was said than anybody will read."""


@asynccontextmanager
async def _keeper(
    command: Sequence[str], job: SandboxJob
) -> AsyncIterator[tuple[Process, asyncio.StreamReader]]:
    """The keeper at work on `job`, and the pipe on which it reports; it is gone when the block is left."""
    async with _pipe() as (reader, report):
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                cwd="/",
                env={"LANG": "C.UTF-8"},
                pass_fds=(report.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxUnavailable(f"{command[0]} cannot be started: {error.strerror}") from error
        told = report.fileno()
        # From here on it ends when the keeper does.
        report.close()
        telling = asyncio.create_task(_tell(process, job, told))
        try:
            yield process, reader
        finally:
            telling.cancel()
            try:
                await asyncio.wait([telling])
            finally:
                await _end(process)


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, BinaryIO]]:
    """A pipe: its reader, and the end that is written to."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    with os.fdopen(writing, "wb", buffering=0) as report:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb")
        )
        try:
            yield reader, report
        finally:
            transport.close()


async def _tell(process: Process, job: SandboxJob, report: int) -> None:
    """Tell the keeper what to do. Its input stays open: it ends with that."""
    limits = job.limits
    head = {
        "command": job.command,
        "env": dict(job.env),
        "cwd": PROJECT,
        "given": job.given,
        "files": [[name, len(content)] for name, content in job.files.items()],
        "report": report,
        "limits": {
            "wall_s": limits.wall_s,
            "cpu_s": limits.cpu_s,
            "memory": limits.memory,
            "processes": limits.processes,
            "open_files": limits.open_files,
            "file_size": limits.file_size,
        },
    }
    if process.stdin is None:
        raise ValueError("a keeper is spoken to through a pipe")
    with suppress(ConnectionError):
        process.stdin.write(json.dumps(head).encode() + b"\n")
        for content in job.files.values():
            process.stdin.write(content)
            await process.stdin.drain()


async def _end(process: Process) -> None:
    """End the keeper, and with it all that it keeps."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_END_TIMEOUT_S):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()


async def _read(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """All that is said, until nobody is left to say more; `_TooMuch` where it is more than `most`."""
    said = bytearray()
    while stream is not None and (chunk := await stream.read(_CHUNK)):
        said += chunk
        if len(said) > most:
            raise _TooMuch
    return bytes(said)
