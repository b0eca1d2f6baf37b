"""The mirror of one project in Redis: made equal to one state of its blackboard after another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from async_arch.document_mirror import DocumentMirror, Saved
from async_arch.lifetime import ask_to_begin, keep
from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys
from harness.state.board import Board, BoardBroken
from harness.state.mirror_index import MirrorFacts, ask_to_enter, claim, facts_about, read_facts
from harness.state.project import Project
from harness.state.stored_board import reading

__all__ = ["ProjectMirror"]


class ProjectMirror:
    """The mirror of one project, which other commands may write at the same time."""

    def __init__(self, project: Project, mirror: DocumentMirror) -> None:
        self._project = project
        self._mirror = mirror

    @classmethod
    @asynccontextmanager
    async def on(
        cls,
        connection: RedisConnection,
        project: Project,
        lifetime_s: int,
        facts: MirrorFacts | None = None,
    ) -> AsyncIterator[ProjectMirror]:
        """The mirror of `project`, begun where there is none; kept for `lifetime_s` after its last write.

        `facts` are what Redis knew of it, where that was asked before. Raises `BadInputError` where its name
        belongs to something else.
        """
        if facts is None:
            [facts] = await read_facts(connection, [project.run])
        claim(project, facts)
        await _begin(connection, project, lifetime_s)
        if facts.begun and facts.lifetime_s != lifetime_s:
            await keep(connection, RunKeys(project.run), lifetime_s)
        async with DocumentMirror.on(
            connection, project.run, lifetime_s=lifetime_s, new=not facts.begun
        ) as mirror:
            yield cls(project, mirror)

    async def save(self, board: Board) -> Saved:
        """Make it equal to `board`, and read back what was written; raises as `DocumentMirror.save` does.

        Raises `StoredBroken` where what was there before is nothing that a difference could be found to.
        """
        with reading(self._project.run):
            try:
                return await self._mirror.save(board.document, facts_about(board))
            except RecursionError as error:
                raise BoardBroken(f"{board.path}: is nested too deep") from error


async def _begin(connection: RedisConnection, project: Project, lifetime_s: int) -> None:
    """Begin the mirror of `project` where there is none, and enter it in the index: in one round trip."""

    async def ask() -> None:
        async with connection.client.pipeline(transaction=False) as pipe:
            ask_to_enter(pipe, project, lifetime_s)
            ask_to_begin(pipe, RunKeys(project.run), lifetime_s)
            await pipe.execute()

    await connection.ask(ask)
