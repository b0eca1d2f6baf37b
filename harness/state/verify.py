"""Verifying mirrors: is what lies in Redis, all of it, what stands in the file?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from async_arch.redis_client import RedisConnection
from async_arch.stored_document import digest
from harness.errors import BadInputError
from harness.state.board import Board, BoardMissing, read_board
from harness.state.drift import Drift, find_drifts
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project
from harness.state.stored_board import StoredBroken, read_stored
from harness.state.workers import done_by_workers

__all__ = ["Standing", "Verification", "compare_with_redis", "verify"]

_WORKERS = 4
_TRIES = 20
_SETTLE_S = 0.5
"""How long a file must have stood still for a difference to be a drift: who follows it takes a while."""


class Standing(StrEnum):
    """How a project and its mirror stand to each other."""

    EQUAL = "equal"
    DRIFT = "drift"
    NOT_IN_REDIS = "not in Redis"
    NO_FILE = "no file"
    LAPSED = "lapsed"
    """Its keys were to be kept for some time only, and are gone."""
    BROKEN_IN_REDIS = "broken in Redis"
    """What lies there is no document."""
    UNREADABLE = "unreadable"
    """The file has no whole state, or never stood still: nothing can be said."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found of one project. Digests are of the documents, wherever there is one."""

    project: str
    run: str
    standing: Standing
    drifts: tuple[Drift, ...] = ()
    reason: str | None = None
    file_digest: str | None = None
    redis_digest: str | None = None

    @property
    def exit_code(self) -> int:
        """0 equal, 1 drift, 3 nothing can be said."""
        codes = {Standing.EQUAL: 0, Standing.LAPSED: 0, Standing.UNREADABLE: 3}
        return codes.get(self.standing, 1)

    def as_json(self) -> dict[str, object]:
        """All of it as plain data."""
        return {
            "project": self.project,
            "run": self.run,
            "standing": self.standing.value,
            "reason": self.reason,
            "file_digest": self.file_digest,
            "redis_digest": self.redis_digest,
            "drifts": [drift.as_json() for drift in self.drifts],
        }


async def verify(
    projects: Sequence[Project], redis: MirrorRedis, *, settle_s: float = _SETTLE_S
) -> list[Verification]:
    """Compare each of `projects` with its mirror; in their order. Raises `StateUnavailable`."""
    return await done_by_workers(_WORKERS, projects, lambda project: _settled(project, redis, settle_s))


async def compare_with_redis(
    project: Project, connection: RedisConnection
) -> tuple[Verification, Board | None]:
    """What was found in one look, and the state of the file in it."""

    def found(standing: Standing, reason: str | None = None) -> Verification:
        return Verification(str(project.path), project.run, standing, reason=reason)

    try:
        path = project.board
        board = await asyncio.to_thread(read_board, path) if path else None
    except BoardMissing:
        board = None
    except BadInputError as error:
        return found(Standing.UNREADABLE, str(error)), None
    try:
        stored = await read_stored(connection, project.run)
    except StoredBroken as error:
        return found(Standing.BROKEN_IN_REDIS, str(error)), board
    if stored is None and board is None:
        reason = f"{project.path}: has no blackboard, and neither has Redis one of it"
        return found(Standing.NOT_IN_REDIS, reason), board
    if stored is None:
        return found(Standing.NOT_IN_REDIS, f"{project.path}: is not in Redis (as {project.run})"), board
    if board is None:
        return found(Standing.NO_FILE, f"{project.path}: has no blackboard; Redis has one of it"), board
    return await asyncio.to_thread(_compared, project, board, stored), board


async def _settled(project: Project, redis: MirrorRedis, settle_s: float) -> Verification:
    """What is found of a file that stands still for as long as a mirror needs."""
    before: tuple[Standing, str | None] | None = None
    for _ in range(_TRIES):
        verification, board = await redis.ask(lambda connection: compare_with_redis(project, connection))
        now = (verification.standing, board.sha256 if board else None)
        stood_s = time.time() - board.mtime_ns / 1e9 if board else 0.0
        if verification.standing is Standing.EQUAL or now == before or stood_s >= settle_s:
            return verification
        before = now
        await asyncio.sleep(settle_s)
    reason = f"{project.path}: its blackboard is rewritten all the time"
    return Verification(str(project.path), project.run, Standing.UNREADABLE, reason=reason)


def _compared(project: Project, board: Board, stored: dict[str, object]) -> Verification:
    try:
        digests = digest(board.document), digest(stored)
        drifts = tuple(find_drifts(board.document, stored))
    except RecursionError:
        reason = f"{board.path}: is nested too deep"
        return Verification(str(project.path), project.run, Standing.UNREADABLE, reason=reason)
    standing = Standing.EQUAL if digests[0] == digests[1] else Standing.DRIFT
    return Verification(str(project.path), project.run, standing, drifts, None, *digests)
