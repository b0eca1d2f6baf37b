"""Resuming: a run that was cut off is taken up again, in surroundings like those it was begun in."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.engines.finding import find_engine
from harness.errors import BadInputError, SurroundingsError
from harness.gateway.cassette import CassetteError, cassette_path
from harness.gateway.cassette.superseded import drop_superseded
from harness.gateway.model import ModelChoice
from harness.record import ModelFacts, RunManifest, RunStore, RunSummary
from harness.record.run_lock import RunLocked, is_locked, locked_run
from harness.record.workers_choice import WorkersChoice
from harness.session import SessionSettings, open_session
from harness.surroundings import EMBEDDED
from harness.trial import Watcher

__all__ = ["ResumedRun", "find_run", "is_resumable", "resumable_runs", "resume_run"]


@dataclass(frozen=True, slots=True)
class ResumedRun:
    """A run that was to be resumed, as it stands now."""

    summary: RunSummary
    folder: Path
    resumed: bool
    """Whether it was; a run that had ended before is left as it is."""
    notes: tuple[str, ...] = ()
    """What else is to be known, a sentence each."""


async def resume_run(
    store: RunStore,
    wanted: str | None,
    watcher: Watcher,
    *,
    redis: str | None = None,
    model: str | None = None,
) -> ResumedRun:
    """Finish the run whose id begins with `wanted`, or without it the only one that can be resumed.

    `redis` and `model` take the place of what the run was begun with. Raises `BadInputError` where it cannot
    be resumed, `SurroundingsError` where another process works on it or something it needs is not there.
    """
    run = await asyncio.to_thread(find_run, store, wanted)
    try:
        async with locked_run(store.folder(run)):
            return await _resume(store, _manifest(store, run), watcher, redis, model)
    except RunLocked as error:
        raise SurroundingsError(f"run {run} is worked on by {_holder(_manifest(store, run))}") from error


async def _resume(
    store: RunStore, manifest: RunManifest, watcher: Watcher, redis: str | None, model: str | None
) -> ResumedRun:
    run, folder = manifest.id, store.folder(manifest.id)
    before = store.summary(run)
    if before is not None and not before.resumable:
        return ResumedRun(before, folder, resumed=False)
    if manifest.not_resumable:
        raise BadInputError(f"run {run} cannot be resumed: {manifest.not_resumable}")
    settings = _settings(manifest, store, redis, model)
    data_dir = _data_dir(manifest, store) if settings.redis == EMBEDDED else None
    engine = find_engine(manifest.engine)
    if dict(engine.flags) != manifest.composition:
        raise BadInputError(
            f"run {run} cannot be resumed: {engine.name} was composed of {_flags(manifest.composition)}, "
            f"and now it is of {_flags(engine.flags)}"
        )
    async with open_session(settings, needs_redis=True, data_dir=data_dir) as session:
        session.check(manifest.spec)
        watcher.session_opened(session)
        watcher.run_started(manifest.spec, "resumed", engine.name)
        record = await session.resume(manifest, engine, watcher.happened, watcher.progressed)
        watcher.run_finished(record)
        notes = (
            *_other_model(manifest.model, record.summary.model),
            *await asyncio.to_thread(_superseded, session.model, store.manifest(run)),
        )
    return ResumedRun(record.summary, folder, resumed=True, notes=notes)


def find_run(store: RunStore, wanted: str | None) -> str:
    """The id that `wanted` begins, or that of the only resumable run; else `BadInputError`."""
    if wanted is None:
        found = resumable_runs(store)
        if not found:
            raise BadInputError(f"no run in {store.root} was cut off and can be resumed")
        matches = [manifest.id for manifest in found]
        if len(matches) > 1:
            raise BadInputError("\n  ".join(["several runs can be resumed; say which:", *matches]))
        return matches[0]
    ids = store.begun_ids()
    matches = [wanted] if wanted in ids else [run for run in ids if wanted and run.startswith(wanted)]
    if not matches:
        raise BadInputError(f"there is no run {wanted!r} in {store.root}")
    if len(matches) > 1:
        raise BadInputError("\n  ".join([f"{wanted!r} begins the ids of several runs; say which:", *matches]))
    return matches[0]


def resumable_runs(store: RunStore) -> list[RunManifest]:
    """The runs that were cut off and can be resumed, the oldest first."""
    found = []
    for run in store.begun_ids():
        try:
            manifest, summary = store.manifest(run), store.summary(run)
        except BadInputError:
            # Begun by an earlier version, or damaged: a person who means it names it and is told.
            continue
        if is_resumable(store, manifest, summary) and not is_locked(store.folder(run)):
            found.append(manifest)
    return found


def is_resumable(store: RunStore, manifest: RunManifest, summary: RunSummary | None) -> bool:
    """Whether a run that nobody works on was cut off and can be resumed."""
    unfinished = summary is None or summary.resumable
    data_dir = manifest.state.data_dir if manifest.state else None
    gone = data_dir is not None and not (store.root / data_dir).is_dir()
    return unfinished and not manifest.not_resumable and not gone


def _manifest(store: RunStore, run: str) -> RunManifest:
    if not (store.folder(run) / "run.json").exists():
        raise BadInputError(f"run {run} cannot be resumed: nothing says what it was begun with (run.json)")
    return store.manifest(run)


def _holder(manifest: RunManifest) -> str:
    """Whoever holds a run that is locked, as far as is written down."""
    owner = manifest.owner
    if owner.host == socket.gethostname() and _lives(owner.pid):
        return f"process {owner.pid} on {owner.host}, since {owner.began_at}"
    return "another process"


def _flags(flags: Mapping[str, str]) -> str:
    return ", ".join(f"{flag}={value}" for flag, value in flags.items())


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _settings(
    manifest: RunManifest, store: RunStore, redis: str | None, model: str | None
) -> SessionSettings:
    state, begun_with = manifest.state, manifest.settings
    if redis is None and state is not None and state.data_dir is None and state.needs_password:
        raise BadInputError(
            f"run {manifest.id} has its state in Redis at {state.url}, whose password is not written down: "
            "say --redis with the whole URL"
        )
    if redis is None:
        redis = EMBEDDED if state is None or state.data_dir else state.url
    return SessionSettings(
        model=model or begun_with.model,
        slots=begun_with.slots,
        redis=redis,
        redis_patience_s=begun_with.redis_patience_s,
        time_scale=begun_with.time_scale,
        faults=begun_with.faults,
        simulated=begun_with.simulated,
        call_timeout_s=begun_with.call_timeout_s,
        deadline_s=begun_with.deadline_s,
        templates=Path(begun_with.templates) if begun_with.templates else None,
        workers=begun_with.workers or WorkersChoice(),
        store=store.root,
    )


def _data_dir(manifest: RunManifest, store: RunStore) -> Path:
    state = manifest.state
    if state is None or state.data_dir is None:
        where = f" but in Redis at {state.url}" if state else ""
        raise BadInputError(f"run {manifest.id} has its state not in an embedded Redis{where}")
    folder = store.root / state.data_dir
    if not folder.is_dir():
        raise BadInputError(f"run {manifest.id} cannot be resumed: the data of its Redis are gone ({folder})")
    return folder


def _other_model(before: ModelFacts, after: ModelFacts) -> Iterator[str]:
    ours, theirs = ((facts.kind, facts.name, facts.url, facts.digest) for facts in (before, after))
    if ours != theirs:
        one, other = (" ".join(filter(None, (f.kind, f.name, f.url))) for f in (before, after))
        yield f"what was done before was answered by another model: {one}, and now {other}"


def _superseded(model: ModelChoice, manifest: RunManifest) -> tuple[str, ...]:
    """Take out of the cassette what was recorded for tasks that were begun anew, and say so."""
    if model.cassettes is None or model.kind == "replay":
        return ()
    path = cassette_path(model.cassettes, manifest.spec.name)
    began = [sitting.began_at for sitting in manifest.sittings]
    try:
        count = drop_superseded(path, manifest.id, began)
    except CassetteError as error:
        return (f"{path} may hold answers that this run did not go on from: {error}",)
    if not count:
        return ()
    answers = f"{count} answer{'s' if count > 1 else ''}"
    return (
        f"{answers} that had been recorded for tasks that were begun anew, taken out of {path}; the cassette "
        "as it was is kept beside it",
    )
