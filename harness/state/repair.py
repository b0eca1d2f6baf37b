"""Repairing a drift: one side is made equal to the other, and what was there is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import FOR_EVER
from harness.state.board import Board, board_text, read_board
from harness.state.board_writer import replace_board
from harness.state.export import stored_to_write
from harness.state.mirror import ProjectMirror
from harness.state.mirror_index import MirrorFacts, claim, read_facts, where_it_was
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project
from harness.state.replaced import Replaced
from harness.state.run_keys import delete_keys, dump_keys
from harness.state.stored_board import StoredBroken, read_stored
from harness.state.verify import Standing, Verification, compare_with_redis

__all__ = ["Repair", "Side", "repair"]


class Side(StrEnum):
    """The side that is right."""

    JSON = "json"
    REDIS = "redis"


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair found, did, and found afterwards; without `after` it was only a rehearsal."""

    before: Verification
    source: Side
    target: str
    """What is, or would be, made equal: a path, or a run in Redis."""
    kept: str | None
    """Where that lies which was overwritten; None where there was nothing."""
    after: Verification | None

    @property
    def exit_code(self) -> int:
        """0 where both are equal, 1 where they are not, 3 where nothing can be said."""
        return (self.after or self.before).exit_code

    def as_json(self) -> dict[str, object]:
        """All of it as plain data."""
        return {
            "before": self.before.as_json(),
            "from": self.source.value,
            "target": self.target,
            "kept": self.kept,
            "after": self.after.as_json() if self.after else None,
        }


async def repair(
    project: Project, redis: MirrorRedis, source: Side, replaced: Replaced, *, dry_run: bool = False
) -> Repair:
    """Make the mirror of `project` equal to its file, or the file equal to the mirror.

    Raises `BadInputError` or `SurroundingsError` where `source` has no document, and then changes nothing.
    """
    before, board = await redis.ask(lambda connection: compare_with_redis(project, connection))
    [facts] = await redis.ask(lambda connection: read_facts(connection, [project.run]))
    path = where_it_was(project, facts)
    target = f"run {project.run} in Redis" if source is Side.JSON else str(path)
    if before.standing is Standing.EQUAL:
        return Repair(before, source, target, None, before)
    mend: Callable[[], Awaitable[Path | None]]
    if source is Side.JSON:
        claim(project, facts)
        right = await asyncio.to_thread(read_board, path) if board is None else board
        mend = partial(_mend_redis, project, redis, right, facts, replaced)
    else:
        stored = await redis.ask(lambda connection: stored_to_write(connection, project.run))
        mend = partial(_mend_file, project, redis, path, stored, facts, replaced)
    if dry_run:
        return Repair(before, source, target, None, None)
    kept = await mend()
    after, _ = await redis.ask(lambda connection: compare_with_redis(project, connection))
    return Repair(before, source, target, str(kept) if kept else None, after)


async def _mend_redis(
    project: Project, redis: MirrorRedis, board: Board, facts: MirrorFacts, replaced: Replaced
) -> Path | None:
    """Make the mirror equal to `board`; returns where that lies which it was."""
    kept = None
    try:
        stored = await redis.ask(lambda connection: read_stored(connection, project.run))
        if stored is not None:
            kept = await asyncio.to_thread(replaced.keep, project.run, board_text(stored))
    except StoredBroken:
        dump = await redis.ask(lambda connection: dump_keys(connection, project.run))
        kept = await asyncio.to_thread(replaced.keep, project.run, dump, ".redis.json")
        await redis.ask(lambda connection: delete_keys(connection, project.run))
    await _save(project, redis, board, facts)
    return kept


async def _mend_file(
    project: Project,
    redis: MirrorRedis,
    path: Path,
    stored: dict[str, object],
    facts: MirrorFacts,
    replaced: Replaced,
) -> Path | None:
    """Make the file equal to `stored`; returns where that lies which it was."""
    kept = await asyncio.to_thread(replace_board, path, board_text(stored), project.run, replaced)
    if facts.source is not None:
        # The document in Redis is the same, but the file of which it is the mirror is another now.
        await _save(project, redis, await asyncio.to_thread(read_board, path), facts)
    return kept


async def _save(project: Project, redis: MirrorRedis, board: Board, facts: MirrorFacts) -> None:
    async def save(connection: RedisConnection) -> None:
        async with ProjectMirror.on(connection, project, facts.lifetime_s or FOR_EVER) as mirror:
            await mirror.save(board)

    await redis.ask(save)
