"""Watching: a budget that is spent takes the step back, once, and nothing else does."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.compare import Status
from harness.compare.terms import Policy
from harness.evidence import Evidence, EvidenceKind, EvidenceStore
from harness.flags import Action, EngineMode, FlagValues, Installation
from harness.phases import Migration
from harness.phases.budgets import Budgets, spent_budgets
from harness.phases.watching import take_back
from harness.record.fingerprint import source_digests
from tests.gates.pieces import piece

SHADOW = {
    "state_store": "redis",
    "agent_calls": "async",
    "orchestration": "concurrent",
    "engine": "shadow",
}


def fine(count: int = 1) -> list[Evidence]:
    return [piece() for _ in range(count)]


def failed(count: int = 1) -> list[Evidence]:
    return [piece(status=Status.FAIL, candidate_failed=True) for _ in range(count)]


def spent(
    evidence: list[Evidence], budgets: Budgets | None = None, policy: Policy = Policy.EXACT
) -> list[str]:
    return list(spent_budgets(evidence, budgets or Budgets(), policy))


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ([*fine(50), *failed(3)], "3 builds in a row failed in async only; 3 are the limit"),
        (
            [*fine(10), *(e for _ in range(5) for e in (*failed(), *fine(2)))],
            "5 of 25 builds failed in async only: at least 8.2%",
        ),
        (
            [*fine(3), piece(status=Status.FAIL, mismatches=2)],
            "1 pair differed, and 0 are borne; the last: differs",
        ),
        ([piece(drifted=True)], "1 build left something else in Redis"),
        ([piece(caught_up=False)], "1 build left something else in Redis"),
        ([piece(candidate_wall_s=40.0 + n) for n in range(5)], "speed-up 0.71, between"),
    ],
)
def test_what_spends_a_budget_is_said_with_value_and_limit(evidence: list[Evidence], words: str) -> None:
    budgets = Budgets(error_rate=0.08)
    (sentence,) = spent(evidence, budgets)
    assert words in sentence


@pytest.mark.parametrize(
    "evidence",
    [
        [],
        fine(20),
        [*failed(2), *fine(), *failed(2)],
        [piece(status=Status.FAIL, candidate_failed=True, control_failed=True) for _ in range(5)],
        [piece(status=Status.ERROR, candidate_failed=True) for _ in range(5)],
        [piece(candidate_wall_s=45.0) for _ in range(4)],
        [piece(candidate_wall_s=20.0 + 5 * n) for n in range(6)],
        [*fine(3), piece(status=Status.INCONCLUSIVE, mismatches=3)],
    ],
)
def test_what_can_be_chance_or_is_the_doing_of_neither_spends_none(evidence: list[Evidence]) -> None:
    assert spent(evidence) == []


def test_by_contract_only_what_breaks_counts() -> None:
    evidence = [piece(status=Status.FAIL, mismatches=3)]
    assert spent(evidence, policy=Policy.CONTRACT) == []
    assert len(spent([piece(status=Status.FAIL, mismatches=3, breaking=1)], policy=Policy.CONTRACT)) == 1


def test_a_build_that_was_served_and_compared_fails_once() -> None:
    twice = [
        piece(kind=kind, status=Status.FAIL, candidate_failed=True, candidate_run=f"r{number}")
        for number in range(2)
        for kind in (EvidenceKind.SERVED, EvidenceKind.CANARY)
    ]
    assert spent(twice) == []


def test_equal_engines_with_rare_failures_are_not_taken_back() -> None:
    """2 % of errors, 10 % borne, looked at after every build: none of 20 may be taken back by chance."""
    rng = random.Random(11)  # noqa: S311 (chance, not secrecy)
    patient = Budgets(consecutive_errors=100)
    good, bad = fine()[0], failed()[0]
    for _ in range(20):
        drawn = [rng.random() < 0.02 for _ in range(100)]
        evidence = [
            (bad if failing else good).model_copy(update={"candidate": f"r{number}"})
            for number, failing in enumerate(drawn)
        ]
        assert not any(spent(evidence[: seen + 1], patient) for seen, failing in enumerate(drawn) if failing)


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    installation = Installation(tmp_path / "flags.json")
    installation.move(installation.standing(), Action.PROMOTE, FlagValues.model_validate(SHADOW))
    return Migration(installation, tmp_path / "store")


def keep(migration: Migration, number: int = 1, sources: dict[str, str] | None = None) -> None:
    found = piece(
        kind=EvidenceKind.SHADOW,
        status=Status.FAIL,
        mismatches=1,
        flags_number=number,
        sources=dict(source_digests()) if sources is None else sources,
    )
    EvidenceStore(migration.store).add(found)


def test_a_spent_budget_takes_one_step_back_and_says_why(migration: Migration) -> None:
    keep(migration)
    taken = take_back(migration, Budgets())
    assert taken is not None
    assert (taken.entry.action, taken.entry.after.engine) == (Action.ROLLBACK, EngineMode.LEGACY)
    assert taken.entry.reason.startswith("by harness phase watch: 1 pair differed")
    assert migration.installation.standing().values.state_store == "redis"


def test_what_took_a_step_back_does_not_take_the_next_one_back_too(migration: Migration) -> None:
    """Evidence of builds from before the move goes on coming in."""
    standing = migration.installation.standing()
    canary = FlagValues.model_validate({**SHADOW, "engine": "canary", "canary": 25})
    migration.installation.move(standing, Action.PROMOTE, canary)
    keep(migration, number=2)
    taken = take_back(migration, Budgets())
    assert taken is not None
    keep(migration, number=2)
    assert take_back(migration, Budgets()) is None
    assert migration.installation.standing().number == 3


@pytest.mark.parametrize("sources", [{"agents": "other"}])
def test_what_other_code_did_takes_nothing_back(migration: Migration, sources: dict[str, str]) -> None:
    keep(migration, sources=sources)
    assert take_back(migration, Budgets()) is None


def test_where_legacy_alone_serves_nothing_is_taken_back(migration: Migration) -> None:
    migration.installation.move(
        migration.installation.standing(),
        Action.ROLLBACK,
        FlagValues.model_validate({**SHADOW, "engine": "legacy"}),
    )
    keep(migration, number=2)
    assert take_back(migration, Budgets()) is None
