"""The work of each `harness mirror` command: on the projects and the Redis that a person names."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from async_arch.redis_keys import FOR_EVER
from harness.errors import BadInputError, SurroundingsError
from harness.state.backfill import Backfilled, BackfillWatcher, backfill
from harness.state.export import Export, export
from harness.state.follow import FollowSettings, FollowWatcher, follow
from harness.state.follow_summary import FollowSummary
from harness.state.kept_data import data_of_run
from harness.state.mirror_index import mirrored_projects, read_facts, under_their_names, where_it_was
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project, find_projects, project_at
from harness.state.repair import Repair, Side, repair
from harness.state.replaced import Replaced
from harness.state.verify import Standing, Verification, verify

__all__ = [
    "MirrorPlace",
    "backfill_projects",
    "export_run",
    "follow_projects",
    "repair_project",
    "verify_projects",
]

_DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class MirrorPlace:
    """Where mirrors are kept, and for how many days after their last write; None for ever."""

    redis: str
    store: Path
    keep_days: float | None = None

    @property
    def lifetime_s(self) -> int:
        """How long the keys of a mirror stay."""
        return FOR_EVER if self.keep_days is None else max(1, round(self.keep_days * _DAY_S))


async def follow_projects(
    place: MirrorPlace,
    paths: Sequence[Path],
    name: str | None,
    settings: FollowSettings,
    stop: asyncio.Event,
    watcher: FollowWatcher,
) -> list[FollowSummary]:
    """Follow the projects at `paths`, which need no blackboard yet."""
    projects = [project_at(path, name) for path in paths]
    for number, project in enumerate(projects):
        if not project.path.exists():
            raise BadInputError(f"{paths[number]}: no such file or folder")
        if project.path in [other.path for other in projects[:number]]:
            raise BadInputError(f"{paths[number]}: is there twice")
    if name is not None and len(projects) > 1:
        raise BadInputError(f"--as {name}: is one name, and there are {len(projects)} projects")
    # What is away for long is not waited for with an old state: the latest is taken instead.
    async with MirrorRedis.open(place.redis, place.store, patience_s=1.0) as redis:
        named = projects if name else await _named(redis, projects)
        return await follow(named, redis, replace(settings, lifetime_s=place.lifetime_s), stop, watcher)


async def backfill_projects(
    place: MirrorPlace, paths: Sequence[Path], name: str | None, watcher: BackfillWatcher
) -> list[Backfilled]:
    """Mirror the projects at `paths`, and in the folders there."""
    projects = await asyncio.to_thread(find_projects, paths, name)
    async with MirrorRedis.open(place.redis, place.store) as redis:
        named = projects if name else await _named(redis, projects)
        return await backfill(named, redis, watcher, lifetime_s=place.lifetime_s)


async def verify_projects(place: MirrorPlace, paths: Sequence[Path], name: str | None) -> list[Verification]:
    """Compare the projects at `paths` with their mirrors; without any, all that are mirrored."""
    async with MirrorRedis.open(place.redis, place.store) as redis:
        mirrored = await redis.ask(mirrored_projects)
        if paths:
            known = {project.path for project in mirrored}
            projects = await asyncio.to_thread(find_projects, paths, name, known)
            return await verify(projects if name else under_their_names(projects, mirrored), redis)
        if not mirrored:
            raise SurroundingsError("nothing is mirrored in this Redis")
        found = await verify(list(mirrored), redis)
        return [
            replace(each, standing=Standing.LAPSED)
            if each.standing is Standing.NOT_IN_REDIS and lifetime_s
            else each
            for each, lifetime_s in zip(found, mirrored.values(), strict=True)
        ]


async def repair_project(
    place: MirrorPlace, path: Path, name: str | None, source: Side, *, dry_run: bool
) -> Repair:
    """Make the mirror of the project at `path` equal to its file, or the other way round."""
    async with MirrorRedis.open(place.redis, place.store) as redis:
        project = await _one(redis, path, name)
        return await repair(project, redis, source, Replaced(place.store), dry_run=dry_run)


async def export_run(
    place: MirrorPlace, what: str, name: str | None, output: Path | None, *, force: bool
) -> Export:
    """Write the document of a run, or of the mirror of the project at a path, to `output`.

    Without `output` that of a project goes where its blackboard is, that of a run to `blackboard.json` here.
    A run of an engine of ours is found where the embedded Redis of its session has kept its data.
    """
    kept = None if _is_path(what) else await asyncio.to_thread(data_of_run, place.store, what)
    async with MirrorRedis.open(place.redis, place.store, data_dir=kept) as redis:
        run, target = what, output or Path("blackboard.json")
        if _is_path(what):
            project = await _one(redis, Path(what), name)
            [facts] = await redis.ask(lambda connection: read_facts(connection, [project.run]))
            run, target = project.run, output or where_it_was(project, facts)
        return await export(run, target, redis, Replaced(place.store), force=force)


def _is_path(what: str) -> bool:
    return Path(what).exists() or "/" in what


async def _one(redis: MirrorRedis, path: Path, name: str | None) -> Project:
    project = project_at(path, name)
    mirrored = await redis.ask(mirrored_projects)
    [named] = [project] if name else under_their_names([project], mirrored)
    if not project.path.exists() and named.run not in {each.run for each in mirrored}:
        raise BadInputError(f"{path}: no such file or folder, and no mirror of it in Redis")
    return named


async def _named(redis: MirrorRedis, projects: Sequence[Project]) -> list[Project]:
    return under_their_names(projects, await redis.ask(mirrored_projects))
