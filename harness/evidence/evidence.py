"""A piece of evidence: what one comparison, build or suite showed, and for which code it was shown."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from harness.compare import Comparison, Severity, Status
from harness.record import OutcomeStatus, RunRecord
from harness.record.fingerprint import Fingerprint

__all__ = ["Evidence", "EvidenceKind", "evidence_of", "new_id"]


class EvidenceKind(StrEnum):
    """Where a piece of evidence comes from."""

    COMPARE = "compare"
    """Somebody compared."""
    SHADOW = "shadow"
    """Legacy served, and async built the same beside it."""
    CANARY = "canary"
    """Async served; where it was sampled, legacy built the same beside it."""
    SERVED = "served"
    """Async served, whatever else was compared."""
    FALLBACK = "fallback"
    """Async failed, and legacy served in its place."""
    SUITE = "suite"
    """The suite of seeded regressions was run."""
    LOAD_TEST = "load test"


class Evidence(BaseModel):
    """What was shown, of which control and candidate, by which code. Durations are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    id: str
    at: datetime
    kind: EvidenceKind
    spec: str = ""
    flags_number: int | None = None
    """The move of the flags that the build was pinned to; None where no flags chose an engine."""
    control: str | None = None
    """The control's run; None where there was none."""
    candidate: str | None = None
    control_engine: str = ""
    candidate_engine: str = ""
    """The engine by the name that it was asked for."""
    control_flags: dict[str, str] = {}
    candidate_flags: dict[str, str] = {}
    """The flags that the engine was composed of."""
    fingerprint: Fingerprint
    """The candidate's; of a suite that of the sources, with all else empty."""
    policy: str = "exact"
    status: Status
    reason: str
    """The verdict's first reason."""
    mismatches: int = 0
    breaking: int = 0
    """How many of the mismatches break a promise."""
    control_wall_s: float | None = None
    candidate_wall_s: float | None = None
    """None where the times do not count: a run failed, was resumed, or was answered at once."""
    slots: int | None = None
    drifted: bool | None = None
    """Whether the candidate's mirror held something else at the end; None where it has no mirror."""
    caught_up: bool | None = None
    """Whether the mirror had followed to the last write when the run ended."""
    candidate_failed: bool = False
    control_failed: bool = False


def evidence_of(
    kind: EvidenceKind,
    comparison: Comparison,
    control: RunRecord,
    candidate: RunRecord,
    *,
    flags_number: int | None = None,
) -> Evidence | None:
    """What `comparison` of the two shows; None where a run is from before there were fingerprints.

    `flags_number` is the move of the flags that the build was pinned to, where one was.
    """
    fingerprint = candidate.summary.fingerprint
    if fingerprint is None or control.summary.fingerprint is None:
        return None
    failed = [record.summary.outcome.status is OutcomeStatus.FAILED for record in (control, candidate)]
    resumed = any(record.summary.sittings > 1 for record in (control, candidate))
    timed = not (any(failed) or resumed or comparison.model.time_scale == 0)
    mirror = candidate.summary.mirror
    # Of one pair the quality cannot be told: that takes many.
    verdict = comparison.verdict_but_quality or comparison.verdict
    return Evidence(
        id=new_id(comparison.spec),
        at=datetime.now(UTC),
        kind=kind,
        spec=comparison.spec,
        flags_number=flags_number,
        control=control.summary.id,
        candidate=candidate.summary.id,
        control_engine=control.summary.engine,
        candidate_engine=candidate.summary.engine,
        control_flags=control.summary.composition,
        candidate_flags=candidate.summary.composition,
        fingerprint=fingerprint,
        policy=comparison.policy,
        status=verdict.status,
        reason=verdict.reasons[0],
        mismatches=len(comparison.mismatches),
        breaking=sum(found.severity is Severity.BREAKING for found in comparison.mismatches),
        control_wall_s=control.summary.wall_s if timed else None,
        candidate_wall_s=candidate.summary.wall_s if timed else None,
        slots=comparison.slots,
        drifted=None if mirror is None else mirror.drifted,
        caught_up=None if mirror is None else mirror.caught_up,
        control_failed=failed[0],
        candidate_failed=failed[1],
    )


def new_id(name: str) -> str:
    """An id that sorts by time, and tells what it is of."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{name}-{secrets.token_hex(3)}"
