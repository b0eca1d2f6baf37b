"""Following projects: each whole state of a blackboard goes to Redis as soon as it stands in its file.

The file leads. Whoever writes it is never waited for and never waits; what cannot be mirrored now is
overtaken by the next state, or tried until it can be.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import NoReturn, Protocol

from async_arch.document_mirror import Saved
from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import FOR_EVER
from async_arch.state_store import StateUnavailable
from async_arch.stored_document import digest
from harness.errors import HarnessError
from harness.state.board import Board
from harness.state.board_reader import BoardReader
from harness.state.follow_summary import FollowSummary, Tally
from harness.state.mirror import ProjectMirror
from harness.state.mirror_index import claim, read_facts
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project
from harness.state.stored_board import StoredBroken, read_stored
from harness.state.watching import changed_paths

__all__ = ["FollowSettings", "FollowWatcher", "follow"]

_LOOK_AGAIN_S = 0.05
_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """How long to follow, and how long Redis keeps what was mirrored."""

    lifetime_s: int = FOR_EVER
    for_s: float | None = None
    until_finished: bool = False
    catch_up_s: float = 10.0
    """How long the last state may take to be in Redis once the end has come."""
    unreadable_s: float = 5.0
    """After how long a file that has no whole state is spoken of."""


class FollowWatcher(Protocol):
    """Somebody to be told how it goes."""

    def mirrored(self, project: Project, board: Board, saved: Saved, lag_s: float | None) -> None:
        """A state is in Redis, read back; so long after it was written, where that happened meanwhile."""

    def unreadable(self, project: Project, reason: str) -> None:
        """The blackboard has had no whole state for long."""

    def away(self, project: Project, reason: str) -> None:
        """Redis does not take the states of this project for now."""


async def follow(
    projects: Sequence[Project],
    redis: MirrorRedis,
    settings: FollowSettings,
    stop: asyncio.Event,
    watcher: FollowWatcher,
) -> list[FollowSummary]:
    """Follow `projects` until `stop` is set or what `settings` wait for has come; how each of them went.

    Raises `BadInputError` where the name of a mirror belongs to something else.
    """
    facts = await redis.ask(lambda connection: read_facts(connection, [each.run for each in projects]))
    for project, about in zip(projects, facts, strict=True):
        claim(project, about)
    followers = [_Follower(project, redis, settings, watcher) for project in projects]
    async with asyncio.TaskGroup() as group:
        mirrors = [group.create_task(follower.mirror()) for follower in followers]
        watch = group.create_task(_watch(followers, settings, stop))
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.for_s):
                await stop.wait()
        stop.set()
        await watch
        ends = [group.create_task(follower.finish()) for follower in followers]
        summaries = [await end for end in ends]
        for task in mirrors:
            task.cancel()
    return summaries


async def _watch(followers: Sequence[_Follower], settings: FollowSettings, stop: asyncio.Event) -> None:
    """Look at every file that may have changed; until `stop` is set, here too where all are finished."""
    paths = [path for follower in followers for path in follower.project.places]
    async with aclosing(changed_paths(paths, stop)) as changes:
        async for changed in changes:
            for follower in followers:
                await follower.look(told=not changed.isdisjoint(follower.project.places))
            if settings.until_finished and all(follower.is_finished for follower in followers):
                stop.set()


class _Follower:
    """Follows one project: reads each state, and mirrors the latest."""

    def __init__(
        self, project: Project, redis: MirrorRedis, settings: FollowSettings, watcher: FollowWatcher
    ) -> None:
        self.project = project
        self._redis = redis
        self._settings = settings
        self._watcher = watcher
        self._reader = BoardReader(project)
        self._tally = Tally()
        self._began_ns = time.time_ns()
        self._latest: Board | None = None
        self._come = asyncio.Event()
        self._settled = asyncio.Event()
        self._problem: str | None = None
        self._away = False
        self._unreadable_since_s: float | None = None

    @property
    def is_finished(self) -> bool:
        """Whether its engine builds no longer, and that state is in Redis."""
        return self._settled.is_set() and self._latest is not None and not self._latest.is_under_way

    async def look(self, *, told: bool) -> None:
        """Take in the state that is in the file, if it is new and whole."""
        board = await self._reader.look(told=told)
        self._speak_of_unreadable()
        if board is not None:
            self._tally.seen += 1
            self._latest = board
            self._settled.clear()
            self._come.set()

    async def mirror(self) -> NoReturn:
        """Mirror the latest state, time after time."""
        while True:
            await self._come.wait()
            try:
                await self._redis.ask(self._mirror_on)
            except (StateUnavailable, HarnessError) as error:
                self._problem = str(error)
                if not self._away:
                    self._away = True
                    self._watcher.away(self.project, self._problem)
            self._come.set()
            await asyncio.sleep(_PAUSE_S)

    async def finish(self) -> FollowSummary:
        """Have a last look, wait until that is mirrored, and compare all of it once more."""
        drifted = caught_up = False
        try:
            async with asyncio.timeout(self._settings.catch_up_s):
                await self.look(told=True)
                while self._reader.problem is not None:
                    await asyncio.sleep(_LOOK_AGAIN_S)
                    await self.look(told=False)
                if self._latest is not None:
                    await self._settled.wait()
                    drifted = await self._redis.ask(self._differs)
                    caught_up = not drifted
        except TimeoutError:
            self._problem = self._reader.problem or self._problem or "Redis is too slow"
        except (StateUnavailable, HarnessError) as error:
            self._problem = str(error)
        if self._latest is None:
            self._problem = self._problem or f"{self.project.path}: no blackboard has come"
        tally = self._tally
        return FollowSummary(
            project=str(self.project.path),
            run=self.project.run,
            seen=tally.seen,
            mirrored=tally.mirrored,
            half_written=self._reader.half_written,
            lag_median_ms=tally.lag_median_ms,
            lag_max_ms=tally.lag_max_ms,
            writes=tally.writes,
            size=tally.size,
            caught_up=caught_up,
            drifted=drifted,
            problem=self._problem,
        )

    async def _mirror_on(self, connection: RedisConnection) -> NoReturn:
        async with ProjectMirror.on(connection, self.project, self._settings.lifetime_s) as mirror:
            self._come.set()
            while True:
                await self._come.wait()
                self._come.clear()
                board = self._latest
                if board is None:
                    continue
                saved = await mirror.save(board)
                written_meanwhile = board.mtime_ns >= self._began_ns
                lag_s = (time.time_ns() - board.mtime_ns) / 1e9 if written_meanwhile else None
                self._tally.count(saved, lag_s)
                self._away = False
                if board is self._latest:
                    self._settled.set()
                self._watcher.mirrored(self.project, board, saved, lag_s)

    async def _differs(self, connection: RedisConnection) -> bool:
        try:
            stored = await read_stored(connection, self.project.run)
        except StoredBroken:
            return True
        return stored is None or self._latest is None or digest(stored) != digest(self._latest.document)

    def _speak_of_unreadable(self) -> None:
        problem, now_s = self._reader.problem, time.monotonic()
        if problem is None:
            self._unreadable_since_s = None
        elif self._unreadable_since_s is None:
            self._unreadable_since_s = now_s
        elif now_s - self._unreadable_since_s >= self._settings.unreadable_s:
            self._watcher.unreadable(self.project, problem)
            # Once is enough, until it was readable again.
            self._unreadable_since_s = float("inf")
