"""A build: what somebody asked for, by the engine that the flags choose for its spec."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.builds.delivery import check_output, deliver
from harness.builds.shadow_queue import ShadowJob, ShadowQueue
from harness.compare.outcome import describe_outcome
from harness.compare.verdict import Status
from harness.engines.composition import by_workers
from harness.engines.finding import find_engine
from harness.engines.registry import legacy_is_retired
from harness.errors import BadInputError
from harness.evidence import Evidence, EvidenceKind, EvidenceStore
from harness.evidence.evidence import new_id
from harness.flags import START, EngineMode, Installation, PinnedFlags, pin_flags
from harness.gates.step_engines import async_engine, legacy_engine
from harness.gateway.model import ModelChoice
from harness.record import OutcomeStatus, RunOutcome, RunRecord
from harness.session import SessionSettings, open_session, require_what_workers_need
from harness.spec import Spec
from harness.surroundings import chosen_model
from harness.trial import Watcher

__all__ = ["BuildSettings", "Built", "build"]


@dataclass(frozen=True, slots=True)
class BuildSettings:
    """With what, for whom and where to."""

    session: SessionSettings
    installation: Installation
    output: Path
    fallback: bool = False
    """Whether legacy does over what async fails at."""
    by_workers: bool = False
    """Whether workers do the tasks, where async builds."""
    sample: float = 0.1
    """Of which share of the builds, from the canary on, the other engine builds the same, to be compared."""


class Built(BaseModel):
    """What came of a build."""

    model_config = ConfigDict(frozen=True)

    spec: str
    run: str
    folder: str
    """The record of the run that is served."""
    engine: str
    flags: PinnedFlags
    outcome: RunOutcome
    described: str
    wall_s: float
    output: str | None
    """Where its files are; None where it did not finish, and nothing was delivered."""
    fell_back_from: str | None = None
    """The run of async that failed, where legacy did it over."""
    fallback_reason: str | None = None
    shadow: bool = False
    """Whether the other engine is to build the same, to be compared."""


async def build(
    spec: Spec, settings: BuildSettings, watcher: Watcher, environment: Mapping[str, str] | None = None
) -> Built:
    """Build `spec` with the engine that the flags choose; what goes wrong in the engine is in the result.

    The flags are evaluated once, here. Raises `BadInputError` and `SurroundingsError`.
    """
    check_output(settings.output)
    pinned = await asyncio.to_thread(
        pin_flags, settings.installation, spec.name, *([] if environment is None else [environment])
    )
    by_async = pinned.engine in (EngineMode.CANARY, EngineMode.ASYNC)
    in_canary = by_async or pinned.canary > 0
    # Once legacy is gone there is nobody to compare with, and nobody to fall back to.
    retired = legacy_is_retired()
    falls_back = by_async and settings.fallback and not retired
    compared = pinned.engine is EngineMode.SHADOW or (in_canary and _sampled(settings.sample))
    compared = compared and not retired
    model = await _model(settings, keeps=compared or falls_back)
    name = async_engine(pinned) if by_async else legacy_engine(pinned)
    if by_async and settings.by_workers:
        name = by_workers(name)
    served = await _run(spec, name, settings, model, pinned, watcher)
    failed: RunRecord | None = None
    if by_async:
        whole = served.summary.outcome.status is OutcomeStatus.FINISHED
        if not whole and falls_back:
            failed, name = served, legacy_engine(pinned)
            again = model if model.deterministic else model.continued
            served = await _run(spec, name, settings, again, pinned, watcher)
        await asyncio.to_thread(_keep, settings.session.store, served, failed, pinned)
    finished = served.summary.outcome.status is OutcomeStatus.FINISHED
    if finished:
        # The older engine, and whoever reads what it leaves, looks for it there.
        blackboard = None if pinned.finalized else served.folder / "blackboard.json"
        await asyncio.to_thread(deliver, served.folder / "files", settings.output, blackboard)
    if compared and failed is None:
        await asyncio.to_thread(_queue, settings.session.store, served, pinned, model)
    return Built(
        spec=spec.name,
        run=served.summary.id,
        folder=str(served.folder),
        engine=name,
        flags=pinned,
        outcome=served.summary.outcome,
        described=describe_outcome(served.summary.outcome),
        wall_s=served.summary.wall_s,
        output=str(settings.output) if finished else None,
        fell_back_from=failed.summary.id if failed else None,
        fallback_reason=describe_outcome(failed.summary.outcome) if failed else None,
        shadow=compared and failed is None,
    )


def _sampled(share: float) -> bool:
    return secrets.randbelow(1_000_000) < share * 1_000_000


async def _model(settings: BuildSettings, *, keeps: bool) -> ModelChoice:
    """The model; what it answers is kept where another engine is to get the same answers."""
    choice = await chosen_model(settings.session.model, "--model", settings.session.slots)
    if choice.cassettes is not None and choice.kind != "replay":
        raise BadInputError(
            f"--model {settings.session.model}: a build keeps the answers that it needs by itself; name the "
            "model alone"
        )
    if keeps and choice.kind == "workers":
        raise BadInputError(
            "--model workers: what workers are answered is not seen here, and no other engine could have the "
            "same answers: build with --sample 0 and without --fallback"
        )
    if not keeps or choice.deterministic:
        return choice
    folder = settings.session.store / "answers" / secrets.token_hex(8)
    await asyncio.to_thread(folder.mkdir, parents=True)
    return choice.recorded_into(folder)


async def _run(
    spec: Spec,
    name: str,
    settings: BuildSettings,
    model: ModelChoice,
    pinned: PinnedFlags,
    watcher: Watcher,
) -> RunRecord:
    engine = find_engine(name)
    require_what_workers_need([engine], settings.session)
    session_settings = replace(settings.session, model=model.text)
    async with open_session(session_settings, needs_redis=engine.needs_redis) as session:
        session.check(spec)
        watcher.session_opened(session)
        watcher.run_started(spec, "build", engine.name)
        record = await session.run(spec, engine, watcher.happened, watcher.progressed, flags=pinned)
        watcher.run_finished(record)
    return record


def _keep(store: Path, served: RunRecord, failed: RunRecord | None, pinned: PinnedFlags) -> None:
    """Keep how a build that async was to serve went: its errors are counted, compared or not."""
    tried = failed or served
    fingerprint = tried.summary.fingerprint
    if fingerprint is None:
        return
    broken = tried.summary.outcome.status is not OutcomeStatus.FINISHED
    EvidenceStore(store).add(
        Evidence(
            id=new_id(tried.summary.spec),
            at=datetime.now(UTC),
            kind=EvidenceKind.FALLBACK if failed else EvidenceKind.SERVED,
            spec=tried.summary.spec,
            flags_number=pinned.number,
            control=served.summary.id if failed else None,
            candidate=tried.summary.id,
            control_engine=served.summary.engine if failed else "",
            candidate_engine=tried.summary.engine,
            candidate_flags=tried.summary.composition,
            fingerprint=fingerprint,
            status=Status.FAIL if broken else Status.PASS,
            reason=describe_outcome(tried.summary.outcome),
            candidate_failed=broken,
            slots=tried.summary.slots,
        )
    )


def _queue(store: Path, served: RunRecord, pinned: PinnedFlags, model: ModelChoice) -> None:
    shadow = pinned.engine in (EngineMode.LEGACY, EngineMode.SHADOW)
    # With its state where it always was: what goes wrong in Redis would go wrong in both engines alike.
    control = legacy_engine(START)
    ShadowQueue(store).add(
        ShadowJob(
            run=served.summary.id,
            engine=async_engine(pinned) if shadow else control,
            kind=EvidenceKind.SHADOW if shadow else EvidenceKind.CANARY,
            model=model.text if model.deterministic else f"replay:{model.cassettes}",
        )
    )
