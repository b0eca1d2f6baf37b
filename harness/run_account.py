"""The account of a run that is over: its record, drawn up from what the engine said and what it left."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from harness.compare.quoted_modules import with_quoted_modules
from harness.engines.engine import Engine, EngineResult
from harness.engines.store_account import store_account
from harness.gateway.calls import CallRecord, RunLog
from harness.gateway.ollama_address import host_addresses, names_hosts
from harness.record import (
    FileFacts,
    HostUse,
    Leaves,
    OutcomeStatus,
    RunManifest,
    RunOutcome,
    RunRecord,
    RunSummary,
)
from harness.record.inspection import defects, generated_files
from harness.record.run_pace import pace_of
from harness.record.run_store import read_blackboard
from harness.state.board import board_text
from harness.state.left_in_redis import LeftInRedis
from harness.whole_file import write_whole

__all__ = ["account_of", "hosts_used"]


def account_of(
    manifest: RunManifest,
    engine: Engine,
    result: EngineResult,
    log: RunLog,
    folder: Path,
    left: LeftInRedis | None = None,
) -> RunRecord:
    """The record of a run whose `folder` holds what it left; what went wrong in the engine is on it.

    `left` is what it left in Redis, where that is known.
    """
    project, kept = folder / "files", folder / "blackboard.json"
    board_file = project / "blackboard.json"
    # What an external engine left is there already; of ours, it is what followed its state while it worked.
    if board_file.is_file() and (result.external is None or not kept.exists()):
        board_file.replace(kept)
    elif manifest.finalized and left is not None and left.document is not None:
        write_whole(kept, board_text(left.document))
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
        store=_store(engine, result, left, board, files, log.calls) if not outcome.cut_off else None,
        sittings=len(manifest.sittings),
        resources=result.resources,
        fingerprint=manifest.fingerprint,
        hosts=hosts_used(manifest.model.url, log),
        resumable=outcome.cut_off and manifest.not_resumable is None,
        # Whose call it was is only guessed at where the engine is another's.
        pace=pace_of(log.calls) if result.external is None else None,
    )
    return RunRecord(summary, log.calls, result.events, board, folder)


def _store(
    engine: Engine,
    result: EngineResult,
    left: LeftInRedis | None,
    board: dict[str, object] | None,
    files: dict[str, FileFacts],
    calls: Sequence[CallRecord],
) -> tuple[str, ...] | None:
    behind = result.mirror is not None and not result.mirror.caught_up
    return (
        None
        if left is None or board is None or behind
        else store_account(engine, result, left, board, files, calls)
    )


def hosts_used(url: str | None, log: RunLog) -> tuple[HostUse, ...]:
    """What each of the hosts that `url` lists did; nothing where it is the address of one."""
    if url is None or not names_hosts(url):
        return ()
    used = []
    for host in (address.url for address in host_addresses(url)):
        calls = [call for call in log.calls if call.host == host]
        used.append(
            HostUse(
                host=host,
                calls=len(calls),
                generating_s=sum(call.generating_s for call in calls),
                outages=tuple(outage for outage in log.outages if outage.host == host),
            )
        )
    return tuple(used)


def _overlap(calls: Sequence[CallRecord]) -> bool:
    """Whether one of `calls`, which stand in the order of their arrival, came while another was under way."""
    return any(later.arrival_s < call.end_s for call, later in pairwise(calls))
