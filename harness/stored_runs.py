"""The runs of a store as they stand: what each is, how two of them compare, and which may go."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from async_arch.embedded_redis import remove_data
from harness.compare import Comparison, compare
from harness.compare.outcome import describe_outcome
from harness.errors import BadInputError, SurroundingsError
from harness.record import RunManifest, RunRecord, RunStore
from harness.record.redis_folders import RedisFolders
from harness.record.run_lock import RunLocked, is_locked, locked_run
from harness.resume import find_run, is_resumable
from harness.spec import Spec

__all__ = ["Pruning", "PruningRule", "RunState", "StoredRun", "compare_stored", "prune_runs", "stored_runs"]


class RunState(StrEnum):
    """How a stored run stands."""

    FINISHED = "finished"
    FAILED = "failed"
    BROKEN = "broken"
    UNDER_WAY = "under way"
    CUT_OFF = "cut off"
    """Nobody works on it, and it has no end."""
    UNREADABLE = "unreadable"


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class StoredRun(_Facts):
    """What is known of a stored run without reading all of it; None is what nothing says."""

    id: str
    state: RunState
    described: str
    """How it stands in a few words, with the reason where that is not good."""
    resumable: bool = False
    spec: str | None = None
    engine: str | None = None
    began_at: datetime | None = None
    wall_s: float | None = None
    calls: int
    """Calls that are over."""
    size: int
    """Bytes on disk."""


@dataclass(frozen=True, slots=True)
class PruningRule:
    """Which runs may go: of those that may, all that meet both conditions; None is no condition."""

    keep: int | None = None
    """How many of them stay, the newest."""
    older_than: timedelta | None = None
    """How long ago a run must have begun."""
    resumable: bool = False
    """Whether runs that can be resumed may go as well."""


class Pruning(_Facts):
    """What was removed, or would be."""

    removed: tuple[StoredRun, ...]
    redis: tuple[str, ...]
    """The folders with data of an embedded Redis that no other run has its state in."""
    freed: int
    """Bytes, of both."""
    kept: int
    """How many runs there are still."""
    unreadable: tuple[str, ...]
    """Kept because nothing says what they are."""


def compare_stored(store: RunStore, control: str, candidate: str) -> Comparison:
    """Compare the run whose id begins with `candidate` with the one whose id begins with `control`.

    The expectations are those of the control's spec. Raises `BadInputError` where there is no such run, where
    one has not ended, and where they are not runs of one spec.
    """
    ids = [find_run(store, wanted) for wanted in (control, candidate)]
    for run in ids:
        if store.summary(run) is None:
            raise BadInputError(f"run {run} cannot be compared: it has not ended")
    manifests = [store.manifest(run) for run in ids]
    different = _different_parts(*(manifest.spec for manifest in manifests))
    if different:
        raise BadInputError(
            f"runs {ids[0]} and {ids[1]} cannot be compared: their specs differ in {', '.join(different)}"
        )
    before, after = (store.load(run) for run in ids)
    comparison = compare(manifests[0].spec, before, after)
    return comparison.model_copy(update={"notes": (*_unlike(before, after), *comparison.notes)})


def stored_runs(store: RunStore) -> list[StoredRun]:
    """All runs of the store, the oldest first."""
    return [_stored(store, run) for run in store.begun_ids()]


async def prune_runs(store: RunStore, rule: PruningRule, now: datetime, *, dry_run: bool = False) -> Pruning:
    """Remove the runs that may go by `rule`: never one that is worked on, or that cannot be read.

    A run is renamed out of the store's `runs/` before it is deleted, so that none is ever there in part.
    Raises `SurroundingsError` where one cannot be removed.
    """
    if rule.keep is None and rule.older_than is None:
        raise BadInputError("say how many runs to keep, or how old they must be to go")
    runs = await asyncio.to_thread(stored_runs, store)
    gone = _that_go(runs, rule, now)
    if not dry_run:
        aside = store.root / "removed"
        # What a pruning that was killed had left.
        await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)
        gone = [run for run in gone if await _removed(store, run, rule, aside)]
    folders = await asyncio.to_thread(RedisFolders(store).left_by, {run.id for run in gone})
    sizes = {folder: await asyncio.to_thread(_size, folder) for folder in folders}
    if not dry_run:
        sizes = {folder: sizes[folder] for folder in folders if await asyncio.to_thread(remove_data, folder)}
    return Pruning(
        removed=tuple(gone),
        redis=tuple(map(str, sizes)),
        freed=sum(run.size for run in gone) + sum(sizes.values()),
        kept=len(runs) - len(gone),
        unreadable=tuple(run.id for run in runs if run.state is RunState.UNREADABLE),
    )


def _stored(store: RunStore, run: str, *, held: bool = False) -> StoredRun:
    """The run as it stands; `held` where the lock that is on it is the caller's own."""
    folder = store.folder(run)
    calls, size = _lines(folder / "calls.jsonl"), _size(folder)
    try:
        # Looked at in this order: whoever ends a run writes the summary first, then lets go of it.
        worked_on = not held and is_locked(folder)
        summary = store.summary(run)
        manifest = _manifest(store, run)
        about = summary or manifest
        if about is None:
            if worked_on:
                return StoredRun(id=run, state=RunState.UNDER_WAY, described="begins", calls=calls, size=size)
            raise BadInputError("neither run.json nor record.json is there")
        began_at = datetime.fromisoformat(about.began_at).astimezone()
    except (BadInputError, OSError, ValueError) as error:
        unreadable = RunState.UNREADABLE
        return StoredRun(id=run, state=unreadable, described=str(error), calls=calls, size=size)
    if worked_on:
        state, described = RunState.UNDER_WAY, RunState.UNDER_WAY.value
    elif summary is None:
        state, described = RunState.CUT_OFF, RunState.CUT_OFF.value
    else:
        state, described = RunState(summary.outcome.status), describe_outcome(summary.outcome)
    return StoredRun(
        id=run,
        state=state,
        described=described,
        resumable=not worked_on and manifest is not None and is_resumable(store, manifest, summary),
        spec=about.spec.name if isinstance(about, RunManifest) else about.spec,
        engine=about.engine,
        began_at=began_at,
        wall_s=summary.wall_s if summary else None,
        calls=calls,
        size=size,
    )


def _manifest(store: RunStore, run: str) -> RunManifest | None:
    return store.manifest(run) if (store.folder(run) / "run.json").exists() else None


def _that_go(runs: list[StoredRun], rule: PruningRule, now: datetime) -> list[StoredRun]:
    may = [run for run in runs if _may_go(run, rule)]
    if rule.keep is not None:
        may = may[: max(len(may) - rule.keep, 0)]
    if rule.older_than is not None:
        before = now - rule.older_than
        may = [run for run in may if run.began_at is not None and run.began_at < before]
    return may


def _may_go(run: StoredRun, rule: PruningRule) -> bool:
    stays = (RunState.UNDER_WAY, RunState.UNREADABLE)
    return run.state not in stays and (rule.resumable or not run.resumable)


async def _removed(store: RunStore, run: StoredRun, rule: PruningRule, aside: Path) -> bool:
    """Whether the run is removed; not where somebody has taken it up or removed it in the meantime."""
    folder, target = store.folder(run.id), aside / f"{run.id}-{secrets.token_hex(3)}"
    try:
        async with locked_run(folder):
            if not _may_go(await asyncio.to_thread(_stored, store, run.id, held=True), rule):
                return False
            await asyncio.to_thread(_move, folder, target)
    except (RunLocked, FileNotFoundError):
        return False
    except OSError as error:
        raise SurroundingsError(f"{folder}: cannot be removed: {error.strerror}") from error
    try:
        await asyncio.to_thread(shutil.rmtree, target)
    except FileNotFoundError:
        # Another pruning took it for what a killed one had left.
        return True
    except OSError as error:
        raise SurroundingsError(f"{error.filename}: cannot be removed: {error.strerror}") from error
    return True


def _move(folder: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    folder.rename(target)


def _different_parts(control: Spec, candidate: Spec) -> list[str]:
    """What the two ask for differently; what is expected is the control's affair."""
    parts = [part for part in Spec.model_fields if part != "expect"]
    return [part for part in parts if getattr(control, part) != getattr(candidate, part)]


def _unlike(control: RunRecord, candidate: RunRecord) -> Iterator[str]:
    """What the runs were not made alike in, so that their times say less, or nothing."""
    ours, theirs = control.summary, candidate.summary
    if ours.slots != theirs.slots:
        yield f"the runs had not the same number of slots: {ours.slots}, and the candidate {theirs.slots}"
    if (ours.model.kind, ours.model.name) != (theirs.model.kind, theirs.model.name):
        one, other = (f"{model.kind} {model.name}" for model in (ours.model, theirs.model))
        yield f"the runs were answered by different models: {one}, and the candidate by {other}"
    if ours.faults != theirs.faults:
        yield "what was to go wrong with the model (--fault) was not the same for both runs"


def _lines(path: Path) -> int:
    with suppress(OSError), path.open("rb") as file:
        return sum(1 for _ in file)
    return 0


def _size(folder: Path) -> int:
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += (Path(parent) / name).lstat().st_size
    return size
