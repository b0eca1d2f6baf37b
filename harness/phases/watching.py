"""Watching over the migration: what waits is compared, and a step whose budget is spent is taken back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.builds import ShadowQueue, work_off
from harness.compare.terms import Policy
from harness.errors import BadInputError, HarnessError
from harness.evidence import Evidence, EvidenceStore
from harness.flags import AuditEntry, EngineMode, MovedMeanwhile, Standing
from harness.flags.flag_values import Generation
from harness.phases.budgets import Budgets, spent_budgets, spent_on_state
from harness.phases.migration import Migration, last_move
from harness.phases.moves import roll_back
from harness.record import RunStore
from harness.record.fingerprint import source_digests
from harness.surroundings import EMBEDDED
from harness.trial import Watcher

__all__ = ["Compared", "NotCompared", "TakenBack", "WatchEvent", "take_back", "watch_phases"]


_CLOCKS_S = 60.0
"""By how much the clocks of a file system and of who moves the flags may differ."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A build that was done over and compared."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Why what waits cannot be compared at present; it waits on."""

    reason: str


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A step that was taken back, because its budgets were spent."""

    entry: AuditEntry
    reasons: tuple[str, ...]


WatchEvent = Compared | NotCompared | TakenBack


async def watch_phases(
    migration: Migration,
    budgets: Budgets,
    watcher: Watcher,
    *,
    redis: str = EMBEDDED,
    once: bool = False,
    interval_s: float = 1.0,
) -> AsyncIterator[WatchEvent]:
    """What happens: with `once` until everything is done that waited at the start, else until cancelled.

    Evidence that other processes bring is judged as well, `interval_s` after it came at the latest.
    """
    while True:
        try:
            most = len(ShadowQueue(migration.store).waiting()) if once else None
            async for evidence in work_off(migration.store, watcher, redis=redis, most=most):
                yield Compared(evidence)
                async for taken in _judged(migration, budgets):
                    yield taken
        except HarnessError as error:
            yield NotCompared(str(error))
        async for taken in _judged(migration, budgets):
            yield taken
        if once:
            return
        await asyncio.sleep(interval_s)


async def _judged(migration: Migration, budgets: Budgets) -> AsyncIterator[TakenBack]:
    taken = await asyncio.to_thread(take_back, migration, budgets)
    if taken is not None:
        yield taken


def take_back(migration: Migration, budgets: Budgets) -> TakenBack | None:
    """Take the last step back if its budgets are spent; None where they are not, or nothing new is served.

    What counts is of builds that were pinned to the flags as they stand, and made by this code.
    """
    standing = migration.installation.standing()
    if standing.problem is not None:
        return None
    reasons = tuple(_reasons(migration, standing, budgets))
    if not reasons:
        return None
    try:
        result = roll_back(migration, reason=f"by harness phase watch: {'; '.join(reasons)}")
    except (MovedMeanwhile, BadInputError):
        # Whoever moved the flags moved them away from what was judged.
        return None
    return TakenBack(result.entry, reasons) if result.entry else None


def _reasons(migration: Migration, standing: Standing, budgets: Budgets) -> Iterator[str]:
    """Why the step that was taken last is to be taken back."""
    since, sources = last_move(migration.installation), source_digests()
    values = standing.values
    if values.engine is EngineMode.LEGACY:
        if values.state_store.needs_redis:
            moved_at = migration.installation.log.entries()[since - 1].at if since else None
            equal = list(_equal_states(migration.store, since, moved_at, sources))
            yield from spent_on_state(equal, budgets)
        return
    evidence = [
        e
        for e in EvidenceStore(migration.store).all()[0]
        if e.flags_number is not None and e.flags_number >= since and e.fingerprint.sources == sources
    ]
    hybrid = values.generation is Generation.HYBRID
    yield from spent_budgets(evidence, budgets, Policy.CONTRACT if hybrid else Policy.EXACT)


def _equal_states(
    root: Path, since: int, moved_at: datetime | None, sources: Mapping[str, str]
) -> Iterator[bool]:
    """Of each build that legacy served, whether what is in Redis at the end is what was written.

    Nothing is compared behind these builds: what there is to know stands in their own records.
    """
    store = RunStore(root)
    for run in store.run_ids():
        # Looked at every second: the records of what ended before the move are not opened for it.
        if moved_at is not None and store.folder(run).stat().st_mtime < moved_at.timestamp() - _CLOCKS_S:
            continue
        try:
            manifest, summary = store.manifest(run), store.summary(run)
        except BadInputError:
            continue
        flags, fingerprint = manifest.flags, manifest.fingerprint
        if flags is None or flags.number < since or fingerprint is None or fingerprint.sources != sources:
            continue
        if summary is not None and manifest.state is not None:
            # The harness has read it by itself: a mirror that thinks it is equal may be wrong.
            yield (summary.mirror is None or summary.mirror.caught_up) and not summary.store
