"""What a failed test says of a comparison: the verdict first, and no more lines than are read."""

from __future__ import annotations

from pathlib import Path

from agents.conversation import Cause
from harness.compare import compare
from harness.report.failure import failure_text
from harness.spec import Spec
from tests.compare.records import FILES, make_failure, make_record

SHOP = Spec(name="shop", idea="a shop")


def test_the_verdict_its_reasons_and_the_mismatches_are_said(tmp_path: Path) -> None:
    control = make_record(tmp_path / "control", engine="legacy")
    candidate = make_record(tmp_path / "candidate", files={**FILES, "cart.py": "CART = [1]\n"})
    comparison = compare(SHOP, control, candidate)
    lines = failure_text(comparison).splitlines()
    assert lines[0] == f"FAIL shop: {comparison.verdict.reasons[0]}"
    assert f"  files (major): {comparison.mismatches[0].sentence}" in lines
    assert lines[-2:] == [f"control: legacy, {control.folder}", f"candidate: async, {candidate.folder}"]


def test_many_mismatches_are_counted_and_nothing_moves_the_cursor(tmp_path: Path) -> None:
    control = make_record(tmp_path / "control", files={f"{n}.py": "x = 1\n" for n in range(30)})
    lines = failure_text(compare(SHOP, control, make_record(tmp_path / "candidate", files={}))).splitlines()
    assert "30 mismatches:" in lines
    assert "  and 10 more" in lines
    broken = make_record(tmp_path / "broken", failures=[make_failure(Cause.MODEL, reason="\x1b[2J")])
    text = failure_text(compare(SHOP, control, broken))
    assert text.startswith("ERROR shop: ")
    assert "\x1b" not in text
