"""The watermark: mirrors of this code, under the flags as they stand, read back to the last state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.flags import Action, FlagValues, Installation
from harness.flags.ladder import next_step
from harness.gates import CriterionLine, CriterionStatus
from harness.phases import Migration
from harness.phases.migration import last_move
from harness.phases.watermark import read_side_watermark
from harness.record.fingerprint import source_digests
from tests.phases.test_watching_mirrors import BEHIND, EQUAL, built


@pytest.fixture
def migration(tmp_path: Path) -> Migration:
    migration = Migration(Installation(tmp_path / "flags.json"), tmp_path / "store")
    move(migration, "mirror")
    return migration


def move(migration: Migration, store: str) -> None:
    installation = migration.installation
    after = FlagValues.model_validate({"state_store": store})
    installation.move(installation.standing(), Action.PROMOTE, after)


def watermark(migration: Migration) -> CriterionLine | None:
    step = next_step(migration.installation.standing().values)
    assert step is not None
    since = last_move(migration.installation)
    return read_side_watermark(migration.store, step, since, source_digests())


def test_every_state_that_was_written_must_have_been_read_back(migration: Migration) -> None:
    built(migration, 0, EQUAL)
    passed = watermark(migration)
    assert passed is not None
    assert (passed.status, passed.value) == (CriterionStatus.PASSED, "9 of 9 states in 1 run")
    built(migration, 1, BEHIND)
    behind = watermark(migration)
    assert behind is not None
    assert (behind.status, behind.value) == (CriterionStatus.FAILED, "17 of 18 states in 2 runs")
    assert len(behind.evidence) == 1


def _moved_since(migration: Migration) -> None:
    move(migration, "json")
    move(migration, "mirror")


@pytest.mark.parametrize(("sources", "then"), [({"agents": "other"}, lambda _: None), (None, _moved_since)])
def test_a_mirror_of_other_code_or_from_before_the_move_neither_shuts_nor_opens(
    migration: Migration, sources: dict[str, str] | None, then: Callable[[Migration], None]
) -> None:
    built(migration, 0, BEHIND, sources=sources)
    then(migration)
    line = watermark(migration)
    assert line is not None
    assert (line.status, line.value) == (CriterionStatus.INCONCLUSIVE, "0 of 0 states in 0 runs")


def test_no_other_step_asks_for_it(migration: Migration) -> None:
    move(migration, "redis")
    assert watermark(migration) is None
