"""How the migration stands, on one screen: phases, flags, evidence for and against the next step."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from harness.builds.shadow_queue import ShadowQueue
from harness.evidence import Evidence, EvidenceStore
from harness.flags import AuditEntry
from harness.flags.evaluation import OVERRIDE
from harness.flags.ladder import PHASES, next_step, progress
from harness.gates import CriterionStatus, Gate
from harness.phases.migration import Migration, next_gate, unavailable_phases

__all__ = ["Against", "PhaseLine", "PhaseStatus", "status"]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class PhaseLine(_Facts):
    """How one phase stands."""

    number: int
    name: str
    taken: int
    """How many of its steps have been taken."""
    steps: int
    flags: dict[str, str]
    available: bool
    """Whether this version can carry it out."""


class Against(_Facts):
    """The last piece of evidence that speaks against the next step by one criterion."""

    criterion: str
    spec: str
    reason: str
    command: str | None
    """What shows the two runs side by side; None where there are not two."""


class PhaseStatus(_Facts):
    """How the migration stands."""

    schema_version: int = 1
    problem: str | None
    """Why the flags are not gone by, and all is on legacy."""
    phases: tuple[PhaseLine, ...]
    canary: int
    """The share of the specs that async serves, in percent."""
    finalized: bool
    last: AuditEntry | None
    gate: Gate | None
    """Of the next step; None where everything is through, or the flags are not gone by."""
    gate_open: bool
    """Whether the next step may be taken."""
    against: tuple[Against, ...]
    """What speaks against it, one piece for each criterion that failed."""
    queued: int
    """Builds that are still to be compared."""
    evidence: int
    unreadable: tuple[str, ...]
    """Evidence that cannot be read."""
    overrides: tuple[str, ...]
    """What the environment sets, here and for what is started from here."""


def status(
    migration: Migration, environment: Mapping[str, str] = os.environ, now: datetime | None = None
) -> PhaseStatus:
    """How `migration` stands now."""
    standing = migration.installation.standing()
    unavailable = unavailable_phases()
    step = next_step(standing.values, unavailable) if standing.problem is None else None
    evidence, unreadable = EvidenceStore(migration.store).all()
    gate = next_gate(migration, step, now) if step else None
    shown = standing.values.as_shown()
    return PhaseStatus(
        problem=standing.problem,
        phases=tuple(
            PhaseLine(
                number=phase.number,
                name=phase.name,
                taken=progress(phase, standing.values),
                steps=len(phase.steps) - 1,
                flags={flag: shown[flag] for flag in phase.flags if flag in shown},
                available=phase.number not in unavailable,
            )
            for phase in PHASES
        ),
        canary=standing.values.canary,
        finalized=standing.finalized,
        last=standing.last,
        gate=gate,
        gate_open=gate is not None and gate.open,
        against=tuple(_against(gate, evidence)) if gate else (),
        queued=len(ShadowQueue(migration.store).waiting()),
        evidence=len(evidence),
        unreadable=unreadable,
        overrides=tuple(
            f"{name}={value}" for name, value in environment.items() if name.startswith(OVERRIDE)
        ),
    )


def _against(gate: Gate, evidence: Sequence[Evidence]) -> Iterator[Against]:
    known = {piece.id: piece for piece in evidence}
    for line in gate.lines:
        last = known.get(line.evidence[-1]) if line.evidence else None
        if line.status is CriterionStatus.FAILED and last is not None:
            pair = last.control and last.candidate
            command = f"harness diff {last.control} {last.candidate}" if pair else None
            yield Against(criterion=line.name, spec=last.spec, reason=last.reason, command=command)
