"""The mirror back: while a run's state is in Redis, its document follows in a JSON file.

The other way round of the mirror of phase 1. Whoever goes back to an older engine, or loses Redis in the
middle of a run, finds in the file what was written until a moment before.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from async_arch.redis_client import RedisConnection, open_redis
from async_arch.state_store import StateUnavailable
from harness.state.board import board_text
from harness.state.stored_board import StoredBroken, read_stored
from harness.whole_file import write_whole

__all__ = ["mirrored_back"]

_log = logging.getLogger(__name__)

_PAUSE_S = 1.0
_LARGEST_SHARE = 0.05
"""Of the time that may go into it: a large document is written less often."""
_READ_TIMEOUT_S = 30.0


@asynccontextmanager
async def mirrored_back(
    url: str, run: str, path: Path, *, pause_s: float = _PAUSE_S
) -> AsyncIterator[Callable[[], None]]:
    """Let `path` follow the document of `run` on the server at `url`, until the block is left.

    Gives out what is to be called after something was written. The file is behind by `pause_s` at the most,
    or by twenty times as long as writing it takes, where that is more. A server that does not answer is no
    error: whoever writes there is told. Nothing is written once the block is left.
    """
    changed = asyncio.Event()
    task = asyncio.create_task(_follow(url, run, path, changed, pause_s), name=f"mirror back of {run}")
    try:
        yield changed.set
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _follow(url: str, run: str, path: Path, changed: asyncio.Event, pause_s: float) -> None:
    while True:
        try:
            async with open_redis(url, patience_s=0.0) as connection:
                while True:
                    await changed.wait()
                    changed.clear()
                    began_s = time.monotonic()
                    await _write(connection, run, path)
                    took_s = time.monotonic() - began_s
                    await asyncio.sleep(max(pause_s, took_s * (1 / _LARGEST_SHARE - 1)))
        except (StateUnavailable, TimeoutError) as error:
            _log.info("the mirror back of run %s waits for Redis: %s", run, error)
        except OSError as error:
            _log.warning("%s: the mirror back cannot be written: %s", path, error.strerror)
        await asyncio.sleep(pause_s)
        changed.set()


async def _write(connection: RedisConnection, run: str, path: Path) -> None:
    async with asyncio.timeout(_READ_TIMEOUT_S):
        try:
            stored = await read_stored(connection, run)
        except StoredBroken:
            # Read between two writes of a task; the next one tells of itself.
            return
    if stored is not None:
        writing = asyncio.ensure_future(asyncio.to_thread(_write_document, path, stored))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # A thread cannot be cancelled, and nothing is to be written once this has ended.
            await asyncio.wait([writing])
            raise


def _write_document(path: Path, stored: dict[str, object]) -> None:
    write_whole(path, board_text(stored))
