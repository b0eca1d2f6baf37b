"""The moves of the migration: promote, roll back, kill, approve, adopt, finalize; each is in the log."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from async_arch.composition import StateStoreKind
from harness.errors import BadInputError
from harness.flags import START, Action, AuditEntry, FlagValues, MovedMeanwhile, Standing
from harness.flags.flag_file import FlagFileProblem, loose_values
from harness.flags.ladder import PHASES, disorder, next_step, rolled_back, step_back
from harness.gates import Gate
from harness.phases.migration import Migration, next_gate, unavailable_phases, wanted_step
from harness.phases.way_back import WayBack, bring_back, runs_to_bring_back

__all__ = [
    "Promotion",
    "RolledBack",
    "adopt",
    "approve",
    "finalize",
    "kill",
    "promote",
    "roll_back",
    "with_state_brought_back",
]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class Promotion(_Facts):
    """What came of wanting to take a step."""

    step: str
    gate: Gate
    entry: AuditEntry | None
    """The move; None where the gate is shut, or it was only to be looked at."""
    dry_run: bool = False


class RolledBack(_Facts):
    """What a way back did; moving the flags is done, and what is left to be seen to is named."""

    entry: AuditEntry | None
    """The move; None where everything stood there already."""
    way_back: WayBack


def promote(
    migration: Migration,
    phase: int | None = None,
    to: str | None = None,
    *,
    force: bool = False,
    reason: str = "",
    dry_run: bool = False,
) -> Promotion:
    """Take one step if its gate is open, or by `force` with a `reason`, which is on record for ever.

    Raises `BadInputError` where there is no such step or the flags cannot be gone by, and `MovedMeanwhile`.
    """
    if force and not reason.strip():
        raise BadInputError("--force: say why (--reason); it is on record for ever")
    standing = _sound(migration)
    step = wanted_step(standing, phase, to)
    if step is None:
        raise BadInputError(
            "everything is on async: there is no step left; harness phase finalize ends the way back"
        )
    gate = next_gate(migration, step)
    if dry_run or not (gate.open or force):
        return Promotion(step=str(step), gate=gate, entry=None, dry_run=dry_run)
    entry = migration.installation.move(
        standing,
        Action.PROMOTE,
        step.after,
        reason=reason,
        forced=not gate.open,
        evidence=gate.evidence,
    )
    return Promotion(step=str(step), gate=gate, entry=entry)


def roll_back(
    migration: Migration, phase: int | None = None, *, everything: bool = False, reason: str = ""
) -> RolledBack:
    """Go one step back, or to before `phase` and all later ones, or with `everything` to the start.

    Always allowed, and the flags are moved before anything else is looked at. Raises `BadInputError` where
    the way back was given up, and `MovedMeanwhile` where somebody else has just moved one step.
    """
    if phase is not None and phase not in {known.number for known in PHASES}:
        raise BadInputError(f"there is no phase {phase}; there are 1 to {len(PHASES)}")
    if everything or phase is not None:
        return _insisting(migration, phase or 1, Action.ROLLBACK, reason)
    standing = migration.installation.standing()
    values = _last_values(standing)
    step = step_back(values)
    return _moved_back(migration, standing, step.after if step else values, Action.ROLLBACK, reason)


def kill(migration: Migration, reason: str) -> RolledBack:
    """Put everything on legacy at once, for the next build of every process; raises `BadInputError`."""
    if not reason.strip():
        raise BadInputError("harness phase kill: say why (--reason)")
    return _insisting(migration, 1, Action.KILL, reason)


async def with_state_brought_back(migration: Migration, back: RolledBack) -> RolledBack:
    """What a way back did, once the state of the runs that were cut off is where the older engine reads it.

    The flags have moved before, and do not wait for this.
    """
    return back.model_copy(update={"way_back": await bring_back(migration.store, back.way_back)})


def _insisting(migration: Migration, phase: int, action: Action, reason: str) -> RolledBack:
    """Move to before `phase`, wherever somebody else moves the flags meanwhile."""
    while True:
        standing = migration.installation.standing()
        try:
            return _moved_back(migration, standing, _before_phase(phase, standing), action, reason)
        except MovedMeanwhile:
            continue


def approve(migration: Migration, reason: str = "") -> AuditEntry:
    """Approve the next step, as the one who runs this; it holds until the flags are moved."""
    standing = _sound(migration)
    step = next_step(standing.values, unavailable_phases())
    if step is None:
        raise BadInputError("everything is on async: there is no step left to approve")
    return migration.installation.move(
        standing, Action.APPROVE, standing.values, about=str(step), reason=reason
    )


def adopt(migration: Migration, reason: str) -> AuditEntry:
    """Take over what a person wrote into the flag file by hand; `BadInputError` where that is no state."""
    if not reason.strip():
        raise BadInputError("harness phase adopt: say why (--reason); it is on record for ever")
    standing = migration.installation.standing()
    if standing.problem is None:
        raise BadInputError(
            f"{migration.installation.flag_file}: is as the log has it: there is nothing to adopt"
        )
    try:
        values = loose_values(migration.installation.flag_file)
    except FlagFileProblem as error:
        raise BadInputError(str(error)) from error
    problem = disorder(values)
    if problem:
        raise BadInputError(f"{migration.installation.flag_file}: cannot be adopted: {problem}")
    return migration.installation.move(standing, Action.ADOPT, values, reason=reason, forced=True)


def finalize(migration: Migration, reason: str) -> AuditEntry:
    """Give up the way back to JSON, for ever; only where everything is on async."""
    if not reason.strip():
        raise BadInputError("harness phase finalize: say why (--reason); this cannot be undone")
    standing = _sound(migration)
    if standing.finalized:
        raise BadInputError("the way back was given up already")
    step = next_step(standing.values, unavailable_phases())
    if step is not None:
        raise BadInputError(f"only what is through can be finalized, and this is still to come: {step}")
    return migration.installation.move(
        standing, Action.FINALIZE, standing.values, reason=reason, finalized=True
    )


def _sound(migration: Migration) -> Standing:
    standing = migration.installation.standing()
    if standing.problem is not None:
        raise BadInputError(f"{standing.problem}; until that is mended all builds go to legacy")
    return standing


def _last_values(standing: Standing) -> FlagValues:
    """Where the flags were moved last, also where the file is not gone by at present."""
    return standing.last.after if standing.last else START


def _before_phase(phase: int, standing: Standing) -> FlagValues:
    """The flags before `phase`; the state stays where it is when the way back to JSON was given up."""
    return rolled_back(_last_values(standing), 2 if standing.finalized and phase == 1 else phase)


def _moved_back(
    migration: Migration,
    standing: Standing,
    after: FlagValues,
    action: Action,
    reason: str,
) -> RolledBack:
    before = _last_values(standing)
    in_redis = StateStoreKind.REDIS
    leaves_redis = before.state_store is in_redis and after.state_store is not in_redis
    if standing.finalized and leaves_redis:
        raise BadInputError(
            "the state cannot go back to JSON: the way back was given up (harness phase history says by "
            "whom); the later phases can be rolled back"
        )
    entry = None
    if before != after or standing.problem is not None:
        entry = migration.installation.move(standing, action, after, reason=reason)
    exports = runs_to_bring_back(migration.store) if leaves_redis else WayBack()
    return RolledBack(entry=entry, way_back=exports)
