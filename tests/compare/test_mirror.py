"""What the mirror of a run makes of the verdict: JSON leads, and that Redis follows has to be shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.build import MirrorReport
from harness.compare import Comparison, Kind, Layer, Status, compare
from harness.record import RunRecord
from harness.spec import Spec
from tests.compare.records import make_record

SPEC = Spec(name="shop", idea="a shop")
KEPT_UP = MirrorReport(5, 5, True, lag_median_s=0.001, lag_max_s=0.002)
BEHIND = MirrorReport(5, 3, False, problem="no answer from Redis")
DRIFTED = MirrorReport(5, 5, False, drifted=True)


def _mirrored(folder: Path, mirror: MirrorReport | None, files: dict[str, str] | None = None) -> RunRecord:
    record = make_record(folder, files=files)
    composition = {"state_store": "mirror"}
    return replace(
        record, summary=record.summary.model_copy(update={"mirror": mirror, "composition": composition})
    )


def _compared(tmp_path: Path, mirror: MirrorReport | None, *, side: str = "candidate") -> Comparison:
    mirrored, plain = _mirrored(tmp_path / "mirrored", mirror), make_record(tmp_path / "plain")
    return compare(SPEC, plain, mirrored) if side == "candidate" else compare(SPEC, mirrored, plain)


def test_a_mirror_that_kept_up_passes_and_is_in_the_comparison(tmp_path: Path) -> None:
    comparison = _compared(tmp_path, KEPT_UP)
    assert comparison.verdict.status is Status.PASS
    assert comparison.candidate.mirror == KEPT_UP
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


@pytest.mark.parametrize("side", ["control", "candidate"])
@pytest.mark.parametrize(
    ("mirror", "words"),
    [(BEHIND, "did not keep up: 5 saves, 3 of them read back"), (None, "nothing is known")],
)
def test_equal_runs_with_a_mirror_that_did_not_keep_up_are_inconclusive(
    side: str, mirror: MirrorReport | None, words: str, tmp_path: Path
) -> None:
    comparison = _compared(tmp_path, mirror, side=side)
    assert comparison.mismatches == ()
    assert comparison.verdict.status is Status.INCONCLUSIVE
    assert words in comparison.verdict.reasons[0]
    assert side in comparison.verdict.reasons[0]


def test_a_candidate_whose_mirror_drifted_fails(tmp_path: Path) -> None:
    """All of it was read back and then it was another document: that is known, not a lack of evidence."""
    comparison = _compared(tmp_path, DRIFTED)
    (mismatch,) = comparison.mismatches
    assert (mismatch.layer, mismatch.kind, mismatch.path) == (Layer.BLACKBOARD, Kind.CHANGED, "mirror")
    assert comparison.verdict.status is Status.FAIL
    assert _compared(tmp_path, DRIFTED, side="control").verdict.status is Status.INCONCLUSIVE


def test_a_mismatch_outweighs_a_mirror_that_is_behind(tmp_path: Path) -> None:
    candidate = _mirrored(tmp_path / "candidate", BEHIND, {"users.py": "other\n"})
    verdict = compare(SPEC, make_record(tmp_path / "control"), candidate).verdict
    assert verdict.status is Status.FAIL
    assert "mirror" not in verdict.reasons[0]
