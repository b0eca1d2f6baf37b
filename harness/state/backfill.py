"""The backfill: finished projects in bulk, many at once, what is mirrored already left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from async_arch.document_mirror import MirrorDrift
from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import FOR_EVER
from harness.errors import BadInputError
from harness.state.board import Board, BoardMissing, read_content
from harness.state.mirror import ProjectMirror
from harness.state.mirror_index import MirrorFacts, claim, enter, read_facts
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project
from harness.state.stored_board import StoredBroken
from harness.state.workers import done_by_workers

__all__ = ["BackfillOutcome", "BackfillWatcher", "Backfilled", "backfill"]

_WORKERS = 8


class BackfillOutcome(StrEnum):
    """What became of one project."""

    MIRRORED = "mirrored"
    SKIPPED = "skipped"
    """The same file had been mirrored already."""
    BROKEN = "broken"
    """It could not be mirrored, for what is in the file or has its name in Redis."""
    DRIFTED = "drifted"
    """It was written, and was not found in Redis as written."""


@dataclass(frozen=True, slots=True)
class Backfilled:
    """What became of one project, and why where it is not in Redis."""

    project: str
    run: str
    outcome: BackfillOutcome
    size: int = 0
    """Of the file, in bytes."""
    reason: str | None = None

    @property
    def exit_code(self) -> int:
        """0 where it is in Redis, 1 where it drifted, 3 where it could not be mirrored."""
        return {BackfillOutcome.DRIFTED: 1, BackfillOutcome.BROKEN: 3}.get(self.outcome, 0)


class BackfillWatcher(Protocol):
    """Somebody to be told how it goes."""

    def began(self, count: int) -> None:
        """So many projects are to be mirrored."""

    def done(self, backfilled: Backfilled) -> None:
        """One of them is done with."""


async def backfill(
    projects: Sequence[Project],
    redis: MirrorRedis,
    watcher: BackfillWatcher,
    *,
    lifetime_s: int = FOR_EVER,
) -> list[Backfilled]:
    """Mirror `projects`; what became of each, in their order. One that is broken keeps no other back.

    Raises `StateUnavailable` where Redis goes away for long: what is done by then will be skipped next time.
    """
    runs = [project.run for project in projects]
    facts = await redis.ask(lambda connection: read_facts(connection, runs))
    watcher.began(len(projects))

    async def mirror(each: tuple[Project, MirrorFacts]) -> Backfilled:
        backfilled = await _one(*each, redis, lifetime_s)
        watcher.done(backfilled)
        return backfilled

    return await done_by_workers(_WORKERS, zip(projects, facts, strict=True), mirror)


async def _one(project: Project, facts: MirrorFacts, redis: MirrorRedis, lifetime_s: int) -> Backfilled:
    def came_to(outcome: BackfillOutcome, size: int = 0, reason: str | None = None) -> Backfilled:
        return Backfilled(str(project.path), project.run, outcome, size, reason)

    try:
        claim(project, facts)
        known = facts.sha256 if facts.begun and facts.lifetime_s == lifetime_s else None
        board = await asyncio.to_thread(_board_unless, project, known)
        if isinstance(board, int):
            await redis.ask(lambda connection: enter(connection, [project], lifetime_s))
            return came_to(BackfillOutcome.SKIPPED, board)

        async def mirror(connection: RedisConnection) -> None:
            async with ProjectMirror.on(connection, project, lifetime_s, facts) as opened:
                await opened.save(board)

        await redis.ask(mirror)
    except MirrorDrift as error:
        return came_to(BackfillOutcome.DRIFTED, reason=str(error))
    except (BadInputError, StoredBroken) as error:
        return came_to(BackfillOutcome.BROKEN, reason=str(error))
    return came_to(BackfillOutcome.MIRRORED, board.size)


def _board_unless(project: Project, known: str | None) -> Board | int:
    """The state of the project; of a file with the digest that is `known` its size alone."""
    path = project.board
    if path is None:
        raise BoardMissing(f"{project.path}: has no blackboard")
    content = read_content(path)
    return len(content.content) if content.sha256 == known else content.parsed()
