"""Working off the shadow queue: the other engine builds the same, on the same answers, and is compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from harness.builds.shadow_queue import ShadowJob, ShadowQueue
from harness.compare import Status, compare
from harness.compare.terms import Policy, Terms
from harness.engines.finding import find_engine
from harness.errors import HarnessError
from harness.evidence import Evidence, EvidenceKind, EvidenceStore, evidence_of
from harness.evidence.evidence import new_id
from harness.record import RunStore
from harness.session import SessionSettings, open_session
from harness.surroundings import EMBEDDED
from harness.trial import Watcher

__all__ = ["MOST_ATTEMPTS", "work_off"]

MOST_ATTEMPTS = 3
"""What could not be brought to its end so often is given up."""


async def work_off(
    store: Path, watcher: Watcher, *, redis: str = EMBEDDED, most: int | None = None
) -> AsyncIterator[Evidence]:
    """The evidence of each job that waits, at most `most` of them, kept as soon as it is there.

    Raises what keeps a job from being done, which waits on then; at the third time it is given up, and that
    is its evidence.
    """
    queue, kept = ShadowQueue(store), EvidenceStore(store)
    done = 0
    while most is None or done < most:
        with queue.next_job() as job:
            if job is None:
                return
            done += 1
            try:
                evidence = await _done_over(queue.begun(job), store, watcher, redis)
            except HarnessError as error:
                if job.attempts + 1 < MOST_ATTEMPTS:
                    raise
                evidence = await asyncio.to_thread(_given_up, job, store, error)
            if evidence is None:
                continue
            await asyncio.to_thread(kept.add, evidence)
        yield evidence


def _given_up(job: ShadowJob, store: Path, error: HarnessError) -> Evidence | None:
    """That nothing could be compared; None where not even the run that was served can be read."""
    try:
        manifest = RunStore(store).manifest(job.run)
    except HarnessError:
        return None
    if manifest.fingerprint is None:
        return None
    shadow = job.kind is EvidenceKind.SHADOW
    return Evidence(
        id=new_id(manifest.spec.name),
        at=datetime.now(UTC),
        kind=job.kind,
        spec=manifest.spec.name,
        flags_number=manifest.flags.number if manifest.flags else None,
        control_engine=manifest.engine if shadow else job.engine,
        candidate_engine=job.engine if shadow else manifest.engine,
        fingerprint=manifest.fingerprint,
        status=Status.ERROR,
        reason=f"given up after {MOST_ATTEMPTS} attempts: {error}",
    )


async def _done_over(job: ShadowJob, store: Path, watcher: Watcher, redis: str) -> Evidence | None:
    runs = RunStore(store)
    manifest = await asyncio.to_thread(runs.manifest, job.run)
    served = await asyncio.to_thread(runs.load, job.run)
    begun_with = manifest.settings
    settings = SessionSettings(
        model=job.model,
        slots=begun_with.slots,
        redis=redis,
        redis_patience_s=begun_with.redis_patience_s,
        faults=begun_with.faults,
        simulated=begun_with.simulated,
        call_timeout_s=begun_with.call_timeout_s,
        deadline_s=begun_with.deadline_s,
        templates=Path(begun_with.templates) if begun_with.templates else None,
        store=store,
    )
    engine = find_engine(job.engine)
    async with open_session(settings, needs_redis=engine.needs_redis) as session:
        session.check(manifest.spec)
        watcher.session_opened(session)
        watcher.run_started(manifest.spec, "shadow", engine.name)
        other = await session.run(manifest.spec, engine, watcher.happened, watcher.progressed)
        watcher.run_finished(other)
    control, candidate = (served, other) if job.kind is EvidenceKind.SHADOW else (other, served)
    hybrid = candidate.summary.composition.get("generation") == "hybrid"
    terms = Terms(policy=Policy.CONTRACT if hybrid else Policy.EXACT)
    comparison = await asyncio.to_thread(compare, manifest.spec, control, candidate, terms)
    number = manifest.flags.number if manifest.flags else None
    return evidence_of(job.kind, comparison, control, candidate, flags_number=number)
