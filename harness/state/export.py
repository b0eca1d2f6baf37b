"""The export: the document of a run in Redis as the `blackboard.json` that the legacy engine would write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from async_arch.redis_client import RedisConnection
from harness.errors import BadInputError, SurroundingsError
from harness.state.board import board_text
from harness.state.board_writer import replace_board
from harness.state.mirror_redis import MirrorRedis
from harness.state.replaced import Replaced
from harness.state.stored_board import read_stored

__all__ = ["Export", "export", "stored_to_write"]


@dataclass(frozen=True, slots=True)
class Export:
    """What was written where."""

    run: str
    path: str
    size: int
    written: bool
    """False where the same stood there already."""
    kept: str | None
    """Where that lies which was overwritten."""


async def export(
    run: str, path: Path, redis: MirrorRedis, replaced: Replaced, *, force: bool = False
) -> Export:
    """Write the document of `run` to `path`.

    Raises `BadInputError` where another file is there, unless with `force`: then that is kept first.
    """
    stored = await redis.ask(lambda connection: stored_to_write(connection, run))
    content = board_text(stored)
    there = await asyncio.to_thread(_content, path)
    if there == content:
        return Export(run, str(path), len(content), False, None)
    if there is not None and not force:
        raise BadInputError(f"{path}: is there and differs; --force replaces it and keeps what it was")
    kept = await asyncio.to_thread(replace_board, path, content, run, replaced)
    return Export(run, str(path), len(content), True, str(kept) if kept else None)


async def stored_to_write(connection: RedisConnection, run: str) -> dict[str, object]:
    """The document of `run`; `SurroundingsError` where there is none."""
    stored = await read_stored(connection, run)
    if stored is None:
        raise SurroundingsError(f"run {run} has no document in this Redis; nothing was changed")
    return stored


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.exists() else None
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
