"""Watching while legacy serves with a mirror, and what fails by the surroundings: from the records alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agents.build import MirrorReport
from harness.compare import Status
from harness.evidence import Evidence
from harness.flags import Action, FlagValues, Installation, pin_flags
from harness.phases import Migration
from harness.phases.budgets import Budgets, spent_budgets
from harness.phases.watching import TakenBack, take_back
from harness.record import RunRecord, RunStore
from harness.record.fingerprint import Fingerprint, source_digests
from tests.compare.records import make_record
from tests.gates.pieces import piece
from tests.record.manifests import make_manifest

EQUAL = MirrorReport(saves=9, verified=9, caught_up=True)
BEHIND = MirrorReport(saves=9, verified=8, caught_up=False)


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    installation = Installation(tmp_path / "flags.json")
    after = FlagValues.model_validate({"state_store": "mirror"})
    installation.move(installation.standing(), Action.PROMOTE, after)
    return Migration(installation, tmp_path / "store")


def built(
    migration: Migration,
    number: int,
    mirror: MirrorReport | None,
    *,
    store: tuple[str, ...] = (),
    sources: dict[str, str] | None = None,
) -> None:
    """Keep the record of a build that ended, with its mirror as `mirror` says and as the harness has read."""
    runs = RunStore(migration.store)
    run = f"20260101-10000{number}-notes-legacy"
    made = dict(source_digests()) if sources is None else sources
    manifest = make_manifest(
        id=run,
        composition={"state_store": "mirror"},
        flags=pin_flags(migration.installation, "notes", {}),
        fingerprint=Fingerprint(sources=made, spec="s", flags="f", model="m"),
    )
    (migration.store / "runs" / run).mkdir(parents=True)
    runs.begin(manifest)
    record = make_record(runs.folder(run))
    summary = record.summary.model_copy(update={"mirror": mirror, "store": store})
    runs.save(RunRecord(summary, record.calls, record.events, record.blackboard, record.folder))


def taken_back(migration: Migration) -> TakenBack | None:
    return take_back(migration, Budgets())


def test_mirrors_that_are_equal_leave_the_step_and_one_that_is_not_takes_it_back(
    migration: Migration,
) -> None:
    for number in range(3):
        built(migration, number, EQUAL)
    assert taken_back(migration) is None
    built(migration, 3, BEHIND)
    taken = taken_back(migration)
    assert taken is not None
    assert taken.reasons == ("1 build left something else in Redis than was written, and 0 are borne",)
    assert migration.installation.standing().values == FlagValues()
    assert taken_back(migration) is None


def test_a_mirror_that_calls_itself_equal_is_not_believed_where_the_harness_has_read_otherwise(
    migration: Migration,
) -> None:
    built(migration, 0, EQUAL, store=("the document in Redis is not that of blackboard.json: logs",))
    assert taken_back(migration) is not None


def test_legacy_with_its_state_in_redis_is_watched_in_the_same_way(migration: Migration) -> None:
    installation = migration.installation
    after = FlagValues.model_validate({"state_store": "redis"})
    installation.move(installation.standing(), Action.PROMOTE, after)
    built(migration, 0, None)
    assert taken_back(migration) is None
    built(migration, 1, None, store=("the run is over, and Redis has the project as building",))
    taken = taken_back(migration)
    assert taken is not None
    assert installation.standing().values.state_store == "mirror"


def test_records_from_long_before_the_move_are_not_even_opened(
    migration: Migration, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(migration, 0, BEHIND)
    folder = next((migration.store / "runs").iterdir())
    os.utime(folder, (0, 0))
    monkeypatch.setattr(RunStore, "manifest", lambda *_: pytest.fail("opened"))
    assert taken_back(migration) is None


def test_what_was_built_before_the_move_or_by_other_code_takes_nothing_back(migration: Migration) -> None:
    built(migration, 0, BEHIND)
    built(migration, 1, BEHIND, sources={"agents": "other"})
    installation = migration.installation
    for store in ("json", "mirror"):
        after = FlagValues.model_validate({"state_store": store})
        installation.move(installation.standing(), Action.PROMOTE, after)
    assert taken_back(migration) is None
    built(migration, 2, BEHIND, sources={"agents": "other"})
    assert taken_back(migration) is None
    built(migration, 3, BEHIND)
    assert taken_back(migration) is not None


def excused(count: int, *, candidate: bool = True) -> list[Evidence]:
    """Pairs of which one side alone failed, by the surroundings as it says."""
    return [
        piece(status=Status.ERROR, candidate_failed=candidate, control_failed=not candidate)
        for _ in range(count)
    ]


def test_surroundings_that_fail_for_async_only_time_after_time_spend_a_budget() -> None:
    assert list(spent_budgets(excused(9), Budgets())) == []
    (sentence,) = spent_budgets(excused(10), Budgets())
    assert sentence.startswith("10 builds failed by the surroundings in async only, and 0 in legacy only")
    assert list(spent_budgets([*excused(10), *excused(3, candidate=False)], Budgets())) == []
    assert list(spent_budgets(excused(20, candidate=False), Budgets())) == []
