"""The account of a run that is over: its record, drawn up from what the engine said and what it left."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from harness.compare.quoted_modules import with_quoted_modules
from harness.engines.engine import Engine, EngineResult
from harness.gateway.calls import CallRecord, RunLog
from harness.record import Leaves, OutcomeStatus, RunManifest, RunOutcome, RunRecord, RunSummary
from harness.record.inspection import defects, generated_files
from harness.record.run_store import read_blackboard

__all__ = ["account_of"]


def account_of(
    manifest: RunManifest, engine: Engine, result: EngineResult, log: RunLog, folder: Path
) -> RunRecord:
    """The record of a run whose `folder` holds what it left; what went wrong in the engine is on it."""
    project, kept = folder / "files", folder / "blackboard.json"
    board_file = project / "blackboard.json"
    if board_file.is_file() and not kept.exists():
        board_file.replace(kept)
    board = read_blackboard(kept)
    files = generated_files(project)
    startup_s = result.startup_s
    if result.external is not None:
        # The clock of the others starts when they are ready. This engine does not say when that is.
        before, log = log, log.since_first_call()
        startup_s = log.began_s - before.began_s
        log = log.model_copy(update={"calls": with_quoted_modules(log.calls)})
    found = () if result.failures else defects(project, files, board, engine.leaves, result.external)
    status = OutcomeStatus.BROKEN if found else OutcomeStatus.FINISHED
    outcome = RunOutcome(
        status=OutcomeStatus.FAILED if result.failures else status,
        failures=result.failures,
        skipped=result.skipped,
        defects=found,
    )
    summary = RunSummary(
        id=manifest.id,
        spec=manifest.spec.name,
        engine=engine.name,
        composition=manifest.composition,
        concurrent=_overlap(log.calls) if engine.concurrent is None else engine.concurrent,
        model=manifest.model,
        slots=log.slots,
        faults=manifest.settings.faults,
        redis=manifest.state.server if manifest.state else None,
        began_at=manifest.began_at,
        startup_s=startup_s,
        wall_s=log.wall_s,
        outcome=outcome,
        files=files,
        malformed_requests=log.malformed,
        other_requests=log.other_requests,
        leaves=tuple(part for part in Leaves if part in engine.leaves),
        external=result.external,
        mirror=result.mirror,
        sittings=len(manifest.sittings),
        resumable=outcome.cut_off and manifest.not_resumable is None,
    )
    return RunRecord(summary, log.calls, result.events, board, folder)


def _overlap(calls: Sequence[CallRecord]) -> bool:
    """Whether one of `calls`, which stand in the order of their arrival, came while another was under way."""
    return any(later.arrival_s < call.end_s for call, later in pairwise(calls))
