"""Evidence: what a comparison showed, kept whole or not at all, and never mistaken for something else."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from agents.build import MirrorReport
from agents.conversation import Cause
from harness.compare import Status, compare
from harness.errors import SurroundingsError
from harness.evidence import Evidence, EvidenceKind, EvidenceStore, evidence_of
from harness.record import RunRecord
from harness.record.fingerprint import Fingerprint
from harness.spec import Spec
from tests.compare.records import FILES, make_failure, make_record

SPEC = Spec.model_validate({"name": "shop", "idea": "a shop"})
MADE_BY = Fingerprint(sources={"agents": "a"}, spec="s", flags="f", model="m")


def marked(record: RunRecord, **update: object) -> RunRecord:
    """`record` with a fingerprint, and `update` in its summary."""
    return replace(record, summary=record.summary.model_copy(update={"fingerprint": MADE_BY, **update}))


def shown(control: RunRecord, candidate: RunRecord) -> Evidence:
    """The evidence of comparing the two."""
    evidence = evidence_of(EvidenceKind.COMPARE, compare(SPEC, control, candidate), control, candidate)
    assert evidence is not None
    return evidence


def test_equal_runs_are_evidence_with_their_times(tmp_path: Path) -> None:
    control = marked(make_record(tmp_path / "a", wall_s=30.0), composition={"state_store": "json"})
    candidate = marked(make_record(tmp_path / "b", wall_s=10.0), composition={"state_store": "redis"})
    evidence = shown(control, candidate)
    assert (evidence.status, evidence.mismatches, evidence.spec) == (Status.PASS, 0, "shop")
    assert (evidence.control_wall_s, evidence.candidate_wall_s) == (30.0, 10.0)
    assert (evidence.control_flags, evidence.candidate_flags) == (
        {"state_store": "json"},
        {"state_store": "redis"},
    )
    assert evidence.fingerprint == MADE_BY


def test_mismatches_are_counted_and_those_that_break(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if name != "cart.py"} | {"users.py": "USERS = [1]\n"}
    evidence = shown(marked(make_record(tmp_path / "a")), marked(make_record(tmp_path / "b", files=files)))
    assert evidence.status is Status.FAIL
    assert evidence.mismatches > evidence.breaking > 0
    assert "cart.py" in evidence.reason or "users.py" in evidence.reason


def test_times_of_runs_that_failed_or_were_resumed_do_not_count(tmp_path: Path) -> None:
    whole = marked(make_record(tmp_path / "a"))
    resumed = shown(whole, marked(make_record(tmp_path / "b"), sittings=2))
    assert (resumed.control_wall_s, resumed.candidate_wall_s) == (None, None)
    broken = marked(make_record(tmp_path / "c", failures=[make_failure(Cause.ENGINE, "engine", "gone")]))
    failed = shown(whole, broken)
    assert (failed.candidate_failed, failed.control_failed, failed.candidate_wall_s) == (True, False, None)


def test_how_the_mirror_kept_up_is_part_of_it(tmp_path: Path) -> None:
    mirror = MirrorReport(saves=5, verified=5, caught_up=False, drifted=True)
    evidence = shown(marked(make_record(tmp_path / "a")), marked(make_record(tmp_path / "b"), mirror=mirror))
    assert (evidence.drifted, evidence.caught_up) == (True, False)
    without = shown(marked(make_record(tmp_path / "a")), marked(make_record(tmp_path / "b")))
    assert (without.drifted, without.caught_up) == (None, None)


def test_a_run_from_before_there_were_fingerprints_is_no_evidence(tmp_path: Path) -> None:
    control, candidate = make_record(tmp_path / "a"), marked(make_record(tmp_path / "b"))
    comparison = compare(SPEC, control, candidate)
    assert evidence_of(EvidenceKind.COMPARE, comparison, control, candidate) is None


def test_what_is_kept_comes_back_in_the_order_of_its_time(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    assert store.all() == ((), ())
    runs = marked(make_record(tmp_path / "a")), marked(make_record(tmp_path / "b"))
    kept = [shown(*runs) for _ in range(12)]
    threads = [threading.Thread(target=store.add, args=[evidence]) for evidence in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.all() == (tuple(kept), ())


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.json", "{", "is no evidence: Invalid JSON"),
        ("x.json", "{}", "is no evidence: id: Field required"),
    ],
)
def test_what_cannot_be_read_is_named_and_counts_for_none(
    name: str, text: str, words: str, tmp_path: Path
) -> None:
    store = EvidenceStore(tmp_path)
    store.folder.mkdir()
    (store.folder / name).write_text(text)
    found, (problem,) = store.all()
    assert found == ()
    assert words in problem
    assert str(store.folder / name) in problem


def test_a_copy_under_another_name_is_not_counted_twice(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    evidence = shown(marked(make_record(tmp_path / "a")), marked(make_record(tmp_path / "b")))
    store.add(evidence)
    (store.folder / "copy.json").write_bytes((store.folder / f"{evidence.id}.json").read_bytes())
    found, (problem,) = store.all()
    assert found == (evidence,)
    assert f"it calls itself {evidence.id}" in problem


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file")
    evidence = shown(marked(make_record(tmp_path / "a")), marked(make_record(tmp_path / "b")))
    with pytest.raises(SurroundingsError, match=r"evidence.*: cannot be written: File exists"):
        EvidenceStore(tmp_path).add(evidence)
