"""The moves: through an open gate or on record as forced, back at any time, and never half."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.compare import Status
from harness.errors import BadInputError
from harness.evidence import Evidence, EvidenceKind, EvidenceStore
from harness.flags import START, Action, EngineMode, FlagValues, Installation, MovedMeanwhile
from harness.flags.ladder import next_step
from harness.gates import Criteria, CriterionStatus, engines_of
from harness.phases import (
    Migration,
    adopt,
    approve,
    finalize,
    kill,
    next_gate,
    plan,
    promote,
    roll_back,
    status,
)
from harness.phases.migration import unavailable_phases
from harness.record.fingerprint import source_digests
from tests.gates.pieces import piece

EASY = Criteria(specs=1, runs=1)


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    return Migration(
        Installation(tmp_path / "flags.json"), tmp_path / "store", dict.fromkeys(range(1, 5), EASY)
    )


def show(migration: Migration, kind: EvidenceKind = EvidenceKind.COMPARE, **more: object) -> Evidence:
    """Keep good evidence for the next step, made now and by this code."""
    step = next_step(migration.installation.standing().values, unavailable_phases())
    assert step is not None
    candidate = engines_of(step).candidate
    times = {"drifted": False, "caught_up": True}
    evidence = piece(
        kind=kind,
        candidate=candidate,
        sources=dict(source_digests()),
        flags_number=migration.installation.standing().number,
        **{**times, **more},
    ).model_copy(update={"at": datetime.now(UTC)})
    EvidenceStore(migration.store).add(evidence)
    return evidence


def climb(migration: Migration, steps: int) -> None:
    """Take so many steps, whatever their gates say."""
    for _ in range(steps):
        assert promote(migration, force=True, reason="test").entry is not None


def stands(migration: Migration) -> FlagValues:
    return migration.installation.standing().values


def test_a_shut_gate_moves_nothing_and_says_what_is_missing(migration: Migration) -> None:
    result = promote(migration)
    assert result.entry is None
    assert [line.status for line in result.gate.lines[:2]] == [CriterionStatus.INCONCLUSIVE] * 2
    assert result.gate.to_do == (
        "harness compare examples/ --candidate legacy:state_store=mirror --repeat 1",
    )
    assert stands(migration) == START
    assert migration.installation.log.entries() == ()


def test_a_command_to_paste_names_no_specs_that_are_not_there(
    migration: Migration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = promote(migration).gate.to_do
    assert command == "harness compare SPEC... --candidate legacy:state_store=mirror --repeat 1"


def test_evidence_opens_the_gate_and_is_on_record(migration: Migration) -> None:
    evidence = show(migration)
    result = promote(migration, 1, "mirror")
    assert result.entry is not None
    assert (result.entry.forced, result.entry.evidence) == (False, (evidence.id,))
    assert stands(migration).state_store == "mirror"


def test_looking_only_moves_nothing_though_the_gate_is_open(migration: Migration) -> None:
    show(migration)
    result = promote(migration, dry_run=True)
    assert (result.gate.open, result.entry) == (True, None)
    assert stands(migration) == START


def test_force_needs_a_reason_and_stays_on_record(migration: Migration) -> None:
    with pytest.raises(BadInputError, match="say why"):
        promote(migration, force=True)
    result = promote(migration, force=True, reason="the auditor is waiting")
    assert result.entry is not None
    assert (result.entry.forced, result.entry.reason) == (True, "the auditor is waiting")


def test_force_on_an_open_gate_is_not_put_down_as_forced(migration: Migration) -> None:
    show(migration)
    result = promote(migration, force=True, reason="to be sure")
    assert result.entry is not None
    assert not result.entry.forced


@pytest.mark.parametrize(
    ("steps", "phase", "to", "words"),
    [
        (0, 2, None, "phase 2 has no step to take now"),
        (2, 1, None, "phase 1 has no step to take now"),
        (0, None, "redis", "--to redis: is not the next step"),
        (4, None, "canary:25", "--to canary:25: is not the next step"),
        (7, None, "canary:5", "--to canary:5: is not the next step"),
        (10, None, None, "everything is on async"),
    ],
)
def test_steps_come_in_their_order(
    migration: Migration, steps: int, phase: int | None, to: str | None, words: str
) -> None:
    climb(migration, steps)
    with pytest.raises(BadInputError, match=words):
        promote(migration, phase, to, force=True, reason="x")


def test_a_canary_can_be_given_a_share_of_ones_own(migration: Migration) -> None:
    climb(migration, 6)
    promote(migration, 4, "canary:33", force=True, reason="x")
    assert stands(migration).canary == 33


def test_evidence_from_before_the_last_move_does_not_open_a_canary(migration: Migration) -> None:
    climb(migration, 6)
    old = show(migration, EvidenceKind.SHADOW)
    climb(migration, 1)
    assert ("it is from before the flags were moved to where they stand", 1) in promote(
        migration, dry_run=True
    ).gate.refused
    assert old.kind is EvidenceKind.SHADOW
    show(migration, EvidenceKind.COMPARE)
    assert not promote(migration, dry_run=True).gate.open
    show(migration, EvidenceKind.CANARY)
    assert promote(migration, dry_run=True).gate.open


def test_evidence_of_other_code_is_refused_and_the_part_named(migration: Migration) -> None:
    evidence = piece(
        candidate="legacy:state_store=mirror", sources={**source_digests(), "legacy": "other"}
    ).model_copy(update={"at": datetime.now(UTC)})
    EvidenceStore(migration.store).add(evidence)
    gate = promote(migration, dry_run=True).gate
    assert gate.refused == (("the sources of legacy have changed since", 1),)


def test_one_step_back_is_the_step_before(migration: Migration) -> None:
    climb(migration, 8)
    result = roll_back(migration, reason="hm")
    assert result.entry is not None
    assert (result.entry.before.canary, result.entry.after.canary) == (25, 5)


def test_a_phase_takes_the_later_ones_back_with_it(migration: Migration) -> None:
    climb(migration, 8)
    roll_back(migration, 2)
    assert stands(migration) == START.model_copy(update={"state_store": "redis"})
    roll_back(migration, everything=True)
    assert stands(migration) == START


def test_at_the_start_there_is_nothing_to_go_back_to(migration: Migration) -> None:
    for result in (roll_back(migration), roll_back(migration, everything=True), kill(migration, "x")):
        assert result.entry is None


@pytest.mark.parametrize("back", [lambda m: kill(m, "fire"), lambda m: roll_back(m, everything=True)])
def test_going_all_the_way_back_is_not_stopped_by_others_who_move(
    migration: Migration, back: Callable[[Migration], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    climb(migration, 4)
    move = Installation.move
    turns = iter(range(99))

    def raced(self: Installation, *args: object, **more: object) -> object:
        if next(turns) < 2:
            promoted = next_step(self.standing().values, unavailable_phases())
            assert promoted is not None
            move(self, self.standing(), Action.PROMOTE, promoted.after)
        return move(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Installation, "move", raced)
    back(migration)
    assert stands(migration) == START


def test_of_two_who_promote_at_once_one_is_told(migration: Migration) -> None:
    show(migration)
    standing = migration.installation.standing()
    promote(migration)
    with pytest.raises(MovedMeanwhile, match="moved meanwhile"):
        migration.installation.move(standing, Action.PROMOTE, stands(migration))


def test_a_kill_needs_a_reason_and_a_rollback_mends_a_damaged_file(migration: Migration) -> None:
    climb(migration, 3)
    with pytest.raises(BadInputError, match="say why"):
        kill(migration, " ")
    migration.installation.flag_file.write_text("{")
    with pytest.raises(BadInputError, match="all builds go to legacy"):
        promote(migration, force=True, reason="x")
    result = kill(migration, "the file is damaged")
    assert result.entry is not None
    assert migration.installation.standing().problem is None


def test_an_approval_is_asked_for_holds_for_one_step_and_is_lost_by_a_move(migration: Migration) -> None:
    asked = Criteria(specs=1, runs=1, approval=True)
    migration = Migration(migration.installation, migration.store, {1: asked})
    show(migration)
    assert promote(migration).entry is None
    approve(migration)
    result = promote(migration)
    assert result.entry is not None
    assert not result.entry.forced
    show(migration)
    line = next(line for line in promote(migration).gate.lines if line.name == "approval")
    assert line.status is CriterionStatus.INCONCLUSIVE


def test_what_was_written_by_hand_can_be_adopted_if_it_is_a_state(migration: Migration) -> None:
    climb(migration, 2)
    file = migration.installation.flag_file
    with pytest.raises(BadInputError, match="there is nothing to adopt"):
        adopt(migration, "x")
    file.write_text(file.read_text().replace('"defaultVariant": "redis"', '"defaultVariant": "mirror"'))
    entry = adopt(migration, "edited in a hurry")
    assert (entry.action, entry.forced, entry.after.state_store) == (Action.ADOPT, True, "mirror")
    file.write_text(file.read_text().replace('"defaultVariant": "legacy"', '"defaultVariant": "shadow"'))
    with pytest.raises(BadInputError, match="cannot be adopted: phase 4 has begun"):
        adopt(migration, "x")


def test_only_what_is_through_is_finalized_and_then_the_state_stays(migration: Migration) -> None:
    climb(migration, 9)
    with pytest.raises(BadInputError, match="this is still to come: phase 4"):
        finalize(migration, "done")
    climb(migration, 1)
    assert finalize(migration, "done").finalized
    with pytest.raises(BadInputError, match="given up already"):
        finalize(migration, "again")
    kill(migration, "fire")
    assert (stands(migration).state_store, stands(migration).engine) == ("redis", EngineMode.LEGACY)
    with pytest.raises(BadInputError, match="the way back was given up"):
        roll_back(migration)


def test_the_status_tells_the_phases_and_what_the_next_step_waits_for(migration: Migration) -> None:
    climb(migration, 3)
    found = status(migration, {"HARNESS_FLAG_ENGINE": "legacy", "PATH": "x"})
    assert [(line.taken, line.steps) for line in found.phases] == [(2, 2), (1, 2), (0, 1), (0, 5)]
    assert found.gate is not None
    assert found.gate.candidate == "async:state_store=redis,agent_calls=async,orchestration=concurrent"
    assert found.overrides == ("HARNESS_FLAG_ENGINE=legacy",)
    migration.installation.flag_file.write_text("{")
    broken = status(migration, {})
    assert broken.problem is not None
    assert broken.gate is None


def test_the_plan_has_nine_steps_and_one_of_them_is_next(migration: Migration) -> None:
    seen = []
    for _ in range(10):
        lines = plan(migration)
        assert [line.number for line in lines] == list(range(1, 10))
        seen.append([line.number for line in lines if line.state == "next"])
        if next_step(stands(migration), unavailable_phases()):
            climb(migration, 1)
    left_out = {number for number in (5,) if 3 in unavailable_phases()}
    assert [number for numbers in seen for number in numbers] == [
        number for number in (1, 2, 3, 4, 5, 6, 7, 7, 7, 8, 9) if number not in left_out
    ][: len(seen)]
    assert all(len(numbers) == 1 for numbers in seen)


def test_from_hybrid_on_what_breaks_the_contract_counts_and_nothing_else(migration: Migration) -> None:
    climb(migration, 4)
    show(migration, status=Status.PASS, mismatches=9, breaking=0)
    assert promote(migration).gate.open
    show(migration, status=Status.PASS, mismatches=9, breaking=0)
    assert promote(migration).gate.open
    assert stands(migration).engine is EngineMode.SHADOW
    show(migration, EvidenceKind.SHADOW, status=Status.FAIL, mismatches=9, breaking=1)
    assert not promote(migration).gate.open


def test_failed_evidence_keeps_the_gate_shut(migration: Migration) -> None:
    show(migration)
    show(migration, status=Status.FAIL, mismatches=2)
    gate = promote(migration).gate
    assert not gate.open
    assert next(line for line in gate.lines if line.name == "mismatches").status is CriterionStatus.FAILED


def test_the_gate_of_a_step_can_be_asked_for_by_itself(migration: Migration) -> None:
    step = next_step(stands(migration))
    assert step is not None
    assert next_gate(migration, step).step == str(step)
