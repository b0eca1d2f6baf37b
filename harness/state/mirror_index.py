"""What is known in Redis of a mirror beside its document: of which project it is, and of which state."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from redis.asyncio.client import Pipeline

from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import MIRRORS, RunKeys
from async_arch.stored_document import as_bytes, as_text
from harness.errors import BadInputError
from harness.state.board import Board
from harness.state.project import Project, project_at

__all__ = [
    "MirrorFacts",
    "ask_to_enter",
    "claim",
    "enter",
    "facts_about",
    "mirrored_projects",
    "read_facts",
    "under_their_names",
    "where_it_was",
]

_FIELDS = ("schema", "source", "source_file", "source_sha256", "lifetime_s")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class MirrorFacts:
    """What Redis knows of one run."""

    begun: bool
    source: Path | None
    """The project of which it is the mirror; None where it is none."""
    file: Path | None
    """The file that was mirrored last."""
    sha256: str | None
    """Of what stood in it."""
    lifetime_s: int | None


def facts_about(board: Board) -> dict[str, str]:
    """What is kept about a state, together with it."""
    return {
        "source_file": str(board.path),
        "source_sha256": board.sha256,
        "source_size": str(board.size),
        "mirrored_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


async def read_facts(connection: RedisConnection, runs: Sequence[str]) -> list[MirrorFacts]:
    """What Redis knows of each of `runs`."""
    found: list[MirrorFacts] = []
    for start in range(0, len(runs), _AT_ONCE):

        async def ask(some: Sequence[str] = runs[start : start + _AT_ONCE]) -> list[Any]:
            async with connection.client.pipeline(transaction=False) as pipe:
                for run in some:
                    pipe.hmget(RunKeys(run)["meta"], list(_FIELDS))
                return await pipe.execute()

        found += [_facts(*fields) for fields in await connection.ask(ask)]
    return found


def claim(project: Project, facts: MirrorFacts) -> None:
    """Raise `BadInputError` where the run of `project` is something else than a mirror of it."""
    if facts.source is not None and facts.source != project.path:
        raise BadInputError(
            f"{project.path}: {project.run} in Redis is the mirror of {facts.source}; give another --as NAME"
        )
    if facts.source is None and facts.begun:
        raise BadInputError(
            f"{project.path}: {project.run} in Redis is the run of an engine and no mirror; "
            "give another --as NAME"
        )


async def enter(connection: RedisConnection, projects: Sequence[Project], lifetime_s: int) -> None:
    """Write down that there are mirrors of `projects`; before there is one, so that none is forgotten."""
    if not projects:
        return

    async def ask() -> None:
        async with connection.client.pipeline(transaction=False) as pipe:
            for each in projects:
                ask_to_enter(pipe, each, lifetime_s)
            await pipe.execute()

    await connection.ask(ask)


def ask_to_enter(pipe: Pipeline, project: Project, lifetime_s: int) -> None:
    """Put into `pipe` what enters one mirror."""
    entry = b"%d %b" % (lifetime_s, os.fsencode(project.file or project.path))
    pipe.hset(MIRRORS, as_bytes(project.run), entry)
    pipe.hset(RunKeys(project.run)["meta"], "source", os.fsencode(project.path))


async def mirrored_projects(connection: RedisConnection) -> dict[Project, int]:
    """All projects of which there are mirrors, by the names of these, and how long each of them is kept."""
    found: Mapping[bytes, bytes] = await connection.command("HGETALL", MIRRORS)
    projects = {}
    for run, entry in sorted(found.items()):
        lifetime_s, _, path = entry.partition(b" ")
        projects[project_at(Path(os.fsdecode(path)), as_text(run))] = int(lifetime_s)
    return projects


def under_their_names(projects: Sequence[Project], mirrored: Collection[Project]) -> list[Project]:
    """`projects` under the names that their mirrors have, where somebody gave these another than usual."""
    runs = {project.run for project in mirrored}
    names = {project.path: project.run for project in mirrored}
    return [
        project if project.run in runs else replace(project, run=names.get(project.path, project.run))
        for project in projects
    ]


def where_it_was(project: Project, facts: MirrorFacts) -> Path:
    """Where the blackboard of `project` is; where there is none any more, where it was mirrored from."""
    known = facts.file if facts.file in project.places else None
    return project.board or known or project.places[0]


def _facts(
    schema: bytes | None,
    source: bytes | None,
    file: bytes | None,
    sha256: bytes | None,
    lifetime_s: bytes | None,
) -> MirrorFacts:
    return MirrorFacts(
        schema is not None,
        Path(os.fsdecode(source)) if source else None,
        Path(as_text(file)) if file else None,
        sha256.decode() if sha256 else None,
        int(lifetime_s) if lifetime_s else None,
    )
