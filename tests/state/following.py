"""Following projects in a test: begun and ended by a block, and told of what comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from async_arch.document_mirror import Saved
from harness.state.board import Board
from harness.state.follow import FollowSettings, follow
from harness.state.follow_summary import FollowSummary
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project, project_at


class Following:
    """A `FollowWatcher` that a test can wait with; `summaries` come with the end."""

    def __init__(self) -> None:
        self.boards: list[Board] = []
        self.lags_s: list[float | None] = []
        self.unreadables: list[str] = []
        self.aways: list[str] = []
        self.summaries: list[FollowSummary] = []
        self.stop = asyncio.Event()
        self._happened = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def mirrored(self, project: Project, board: Board, saved: Saved, lag_s: float | None) -> None:
        self.boards.append(board)
        self.lags_s.append(lag_s)
        self._tell()

    def unreadable(self, project: Project, reason: str) -> None:
        self.unreadables.append(reason)
        self._tell()

    def away(self, project: Project, reason: str) -> None:
        self.aways.append(reason)
        self._tell()

    async def until(self, holds: Callable[[Following], bool], within_s: float = 20.0) -> None:
        """Return as soon as `holds` does."""
        async with asyncio.timeout(within_s), self._happened:
            await self._happened.wait_for(lambda: holds(self))

    async def has(self, document: dict[str, object]) -> None:
        """Return as soon as `document` is the last that was mirrored."""
        await self.until(lambda told: bool(told.boards) and told.boards[-1].document == document)

    @property
    def summary(self) -> FollowSummary:
        """The one there is."""
        [summary] = self.summaries
        return summary

    def _tell(self) -> None:
        async def tell() -> None:
            async with self._happened:
                self._happened.notify_all()

        task = asyncio.get_running_loop().create_task(tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def following(
    redis: MirrorRedis, paths: Sequence[Path], settings: FollowSettings | None = None
) -> AsyncIterator[Following]:
    """Follow the projects at `paths` until the block ends."""
    told = Following()
    projects = [project_at(path) for path in paths]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow(projects, redis, settings or FollowSettings(), told.stop, told))
        yield told
        told.stop.set()
        told.summaries = await task
