"""The way back to JSON: the runs whose state is in Redis alone, and how an older engine gets to read it.

Every run that ended has left its `blackboard.json`, and one that is cut off the one that followed its state;
what was written to Redis in the last second before that is brought from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.errors import BadInputError, HarnessError
from harness.record import RunManifest, RunStore
from harness.record.run_lock import is_locked
from harness.state.board import board_text
from harness.state.export import stored_to_write
from harness.state.kept_data import data_of_run
from harness.state.mirror_redis import MirrorRedis
from harness.surroundings import EMBEDDED
from harness.whole_file import write_whole

__all__ = ["CutOffRun", "WayBack", "bring_back", "runs_to_bring_back"]

_LIMIT_S = 20.0


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class CutOffRun(_Facts):
    """A run that had not ended, and whose state is in Redis."""

    run: str
    redis: str
    """`embedded`, or the URL of the server without its password."""

    @property
    def command(self) -> str:
        """What brings its state out by hand."""
        return f"harness mirror export {self.run} --redis {self.redis} --output {self.run}.blackboard.json"


class WayBack(_Facts):
    """What becomes of the state of runs after the flags have moved back."""

    under_way: tuple[str, ...] = ()
    """Runs that end as they were begun."""
    cut_off: tuple[CutOffRun, ...] = ()
    brought: Mapping[str, str] = {}
    """The file with the state of each, as the older engine reads it."""
    left: Mapping[str, str] = {}
    """Why the state of each could not be brought."""

    @property
    def to_do(self) -> tuple[str, ...]:
        """What brings the state of the others to where the older engine reads it: commands to paste."""
        return tuple(found.command for found in self.cut_off if found.run not in self.brought)


def runs_to_bring_back(root: Path) -> WayBack:
    """The runs in the store at `root` whose state has not come out of Redis."""
    store = RunStore(root)
    under_way: list[str] = []
    cut_off: list[CutOffRun] = []
    for run in store.begun_ids():
        try:
            manifest, summary = store.manifest(run), store.summary(run)
        except BadInputError:
            continue
        if manifest.composition.get("state_store") != "redis" or manifest.state is None:
            continue
        if summary is None and is_locked(store.folder(run)):
            under_way.append(run)
        elif (summary is None or summary.resumable) and _is_there(root, manifest):
            place = manifest.state
            cut_off.append(CutOffRun(run=run, redis=EMBEDDED if place.data_dir else place.url))
    return WayBack(under_way=tuple(under_way), cut_off=tuple(cut_off))


async def bring_back(root: Path, way_back: WayBack, *, limit_s: float = _LIMIT_S) -> WayBack:
    """Write the state of each run that was cut off to the `blackboard.json` of its record.

    What cannot be had within `limit_s` stays where it is, and is named with the reason.
    """
    brought: dict[str, str] = {}
    left: dict[str, str] = {}
    try:
        async with asyncio.timeout(limit_s):
            for found in way_back.cut_off:
                try:
                    brought[found.run] = str(await _bring(root, found))
                except (HarnessError, OSError) as error:
                    left[found.run] = str(error)
    except TimeoutError:
        for found in way_back.cut_off:
            if found.run not in brought:
                left.setdefault(found.run, f"not done within {limit_s:g} s")
    return way_back.model_copy(update={"brought": brought, "left": left})


async def _bring(root: Path, found: CutOffRun) -> Path:
    data_dir = await asyncio.to_thread(data_of_run, root, found.run) if found.redis == EMBEDDED else None
    async with MirrorRedis.open(found.redis, root, data_dir=data_dir) as redis:
        stored = await redis.ask(lambda connection: stored_to_write(connection, found.run))
    path = RunStore(root).folder(found.run) / "blackboard.json"
    await asyncio.to_thread(write_whole, path, board_text(stored), lasting=True)
    return path


def _is_there(root: Path, manifest: RunManifest) -> bool:
    """Whether there is anything of it; the data of an embedded Redis go when no run needs them."""
    data_dir = manifest.state.data_dir if manifest.state else None
    return data_dir is None or (root / data_dir).is_dir()
