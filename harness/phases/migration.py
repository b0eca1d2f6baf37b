"""A migration: an installation, the store with its evidence, and the criteria of its phases."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from async_arch.composition import Generation
from async_arch.template_folder import TEMPLATES
from harness.compare.terms import Policy
from harness.errors import BadInputError
from harness.evidence import EvidenceKind, EvidenceStore
from harness.flags import Action, EngineMode, Installation, Standing, Step
from harness.flags.ladder import canary_step, next_step
from harness.gates import Criteria, Gate, StepEngines, default_criteria, engines_of, judge_gate, sift
from harness.phases.watermark import read_side_watermark
from harness.record.fingerprint import source_digests

__all__ = ["Migration", "last_move", "next_gate", "unavailable_phases", "wanted_step"]


@dataclass(frozen=True, slots=True)
class Migration:
    """Everything that the phases are carried out with."""

    installation: Installation
    store: Path
    criteria: Mapping[int, Criteria] = field(default_factory=dict)
    """Of the phases whose criteria are not the default."""
    specs: tuple[str, ...] = ("examples/",)
    """What commands that bring evidence are to be run on."""

    def criteria_of(self, phase: int) -> Criteria:
        """The criteria of the phase of that number."""
        return self.criteria.get(phase) or default_criteria(phase)


def unavailable_phases() -> frozenset[int]:
    """The phases that this version cannot carry out."""
    return frozenset() if any((TEMPLATES / "module").glob("*.py.j2")) else frozenset({3})


def wanted_step(standing: Standing, phase: int | None = None, to: str | None = None) -> Step | None:
    """The next step, or the one to `canary:N`; None where everything is through.

    Raises `BadInputError` where the next step is another one than `phase` or `to` say.
    """
    step = next_step(standing.values, unavailable_phases())
    if step is None:
        return None
    if phase is not None and phase != step.phase.number:
        raise BadInputError(
            f"phase {phase} has no step to take now: the next one is {step}; phases come in their order"
        )
    if to is None:
        return step
    mode, _, share = to.partition(":")
    if mode == EngineMode.CANARY and share.isdecimal():
        canary = canary_step(standing.values, int(share))
        if canary is not None:
            return canary
    elif to in (str(getattr(step.after, flag)) for flag in step.phase.flags):
        return step
    raise BadInputError(
        f"--to {to}: is not the next step, which is {step}; a canary goes from the shadow to any larger "
        "share, such as canary:25"
    )


def next_gate(migration: Migration, step: Step, now: datetime | None = None) -> Gate:
    """The gate of `step` as it stands."""
    criteria = _criteria(migration, step)
    engines = engines_of(step)
    kinds, since = _asked_for(migration, step)
    evidence, _ = EvidenceStore(migration.store).all()
    sifted = sift(
        evidence,
        engines,
        sources=source_digests(),
        now=now or datetime.now(UTC),
        oldest=timedelta(days=criteria.max_age_days),
        kinds=kinds,
        policy=criteria.policy,
        since=since,
    )
    gate = judge_gate(
        step,
        engines,
        criteria,
        sifted,
        approved_by=_approved_by(migration.installation, step),
        watermark=read_side_watermark(
            migration.store, step, last_move(migration.installation), source_digests()
        ),
    )
    more = max((line.more_runs for line in gate.lines), default=0)
    if gate.open or not more:
        return gate
    return gate.model_copy(update={"to_do": (_to_do(migration, engines, kinds, more),)})


def last_move(installation: Installation) -> int:
    """The number of the entry that moved the flags to where they stand; 0 where they never were moved."""
    entries = reversed(installation.log.entries())
    return next((entry.number for entry in entries if entry.before != entry.after), 0)


def _criteria(migration: Migration, step: Step) -> Criteria:
    """The criteria of `step`: what fills gaps is not the same to the byte as what writes whole files."""
    criteria = migration.criteria_of(step.phase.number)
    if step.after.generation is Generation.HYBRID:
        return criteria.model_copy(update={"policy": Policy.CONTRACT})
    return criteria


def _asked_for(migration: Migration, step: Step) -> tuple[tuple[EvidenceKind, ...], int | None]:
    """Which kinds of evidence a step asks for, and since when.

    Out of the shadow and on it must be of builds that people asked for, while the flags stood as they stand.
    """
    if step.before.engine is EngineMode.LEGACY:
        return (EvidenceKind.COMPARE, EvidenceKind.SHADOW), None
    return (EvidenceKind.SHADOW, EvidenceKind.CANARY), last_move(migration.installation)


def _approved_by(installation: Installation, step: Step) -> str | None:
    """Who approved `step` since the flags stand where they do."""
    for entry in reversed(installation.log.entries()):
        if entry.before != entry.after:
            return None
        if entry.action is Action.APPROVE and entry.about == str(step):
            return entry.who
    return None


def _to_do(migration: Migration, engines: StepEngines, kinds: tuple[EvidenceKind, ...], more: int) -> str:
    specs = " ".join(shlex.quote(spec) for spec in migration.specs if Path(spec).exists()) or "SPEC..."
    if EvidenceKind.COMPARE not in kinds:
        builds = f"{more} more build{'' if more == 1 else 's'}"
        return f"{builds} compared: harness build SPEC, then harness phase watch --once"
    repeat = max(1, math.ceil(more / max(1, len(migration.specs))))
    return f"harness compare {specs} --candidate {engines.candidate} --repeat {repeat}"
