"""A peer in a process of its own: its imports, threads, warnings and telemetry touch nothing else.

The process gets an empty home and an environment made for it: no profile, key, proxy or address of a server
that the user has set reaches a peer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from benchmarks.peers.course import Course, Tasks
from benchmarks.peers.message import READY, course_from, line_of
from benchmarks.peers.peer import Run

__all__ = ["PeerFailed", "peer_process"]

_ROOT = Path(__file__).parents[2]
_KEPT = ("PATH", "TMPDIR", "LANG", "LC_ALL")
_START_TIMEOUT_S = 60.0
_RUN_TIMEOUT_S = 240.0
_STOP_TIMEOUT_S = 15.0
_LINE_LIMIT = 2**24


class PeerFailed(Exception):
    """A peer ended or kept silent instead of telling of a run; the message has the end of what it printed."""


@asynccontextmanager
async def peer_process(
    peer: str, *, environment: Mapping[str, str] | None = None, loop: str | None = None
) -> AsyncIterator[Run]:
    """The peer `module` or `module:name`, ready for graphs; its processes are gone when the block is left.

    Raises `PeerFailed`. `loop` names the package whose event loops it uses instead of asyncio's own.
    """
    with tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True) as home:
        printed = Path(home, "printed")
        process = await _start(peer, loop, _surroundings(home, environment or {}), printed)

        async def told(timeout_s: float) -> bytes:
            assert process.stdout is not None
            try:
                async with asyncio.timeout(timeout_s):
                    line = await process.stdout.readline()
            except TimeoutError:
                raise PeerFailed(f"{peer}: silent for {timeout_s:g} s; {_tail(printed)}") from None
            if not line.endswith(b"\n"):
                await _ended(process)
                raise PeerFailed(f"{peer}: it ended; {_tail(printed)}")
            return line

        async def run(tasks: Tasks, slots: int | None, scale: float) -> Course:
            assert process.stdin is not None
            process.stdin.write(line_of(tasks, slots, scale))
            return course_from(await told(_RUN_TIMEOUT_S))

        try:
            if (line := await told(_START_TIMEOUT_S)) != READY:
                raise PeerFailed(f"{peer}: it began with {line!r}; {_tail(printed)}")
            yield run
        finally:
            await _stop(process)


async def _start(peer: str, loop: str | None, environment: Mapping[str, str], printed: Path) -> Process:
    with printed.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.peers.serve", peer, *([loop] if loop else [])),
            stdin=PIPE,
            stdout=PIPE,
            stderr=output,
            limit=_LINE_LIMIT,
            cwd=_ROOT,
            env=environment,
            start_new_session=True,
        )


def _surroundings(home: str, environment: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": home, "PYTHONPATH": str(_ROOT), "DO_NOT_TRACK": "1", **environment}


def _tail(printed: Path) -> str:
    lines = printed.read_text(errors="replace").split("\n")
    return "it printed: " + (" | ".join(line.strip() for line in lines[-6:] if line.strip()) or "(nothing)")


async def _ended(process: Process) -> None:
    """Wait until the peer has ended, or as long as a peer may take for that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_TIMEOUT_S):
            await process.wait()


async def _stop(process: Process) -> None:
    """End the peer by ending its stdin, then what is left of its session."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        await _ended(process)
    finally:
        # Servers that the peer had started are in its group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
