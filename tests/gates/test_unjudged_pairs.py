"""Pairs whose verdict is open: they are no runs that count, and what they show of the candidate does."""

from __future__ import annotations

from harness.compare import Status
from harness.evidence import Evidence
from harness.flags import START
from harness.flags.ladder import next_step
from harness.gates import Criteria, CriterionStatus, Gate, Sifted, engines_of, judge_gate
from tests.gates.pieces import piece


def to_mirror(*evidence: Evidence, runs: int = 1) -> Gate:
    step = next_step(START)
    assert step is not None
    return judge_gate(step, engines_of(step), Criteria(specs=1, runs=runs), Sifted(evidence, (), (), ()))


def excused(**more: bool) -> Evidence:
    """A pair of which the candidate alone failed, by its surroundings as it says."""
    return piece(status=Status.ERROR, **{"candidate_failed": True, **more})


def sound(pairs: int) -> list[Evidence]:
    return [piece(drifted=False, caught_up=True) for _ in range(pairs)]


def test_a_mirror_that_stayed_behind_shuts_the_gate_though_it_is_no_pair_that_counts() -> None:
    (good,) = sound(1)
    behind = piece(status=Status.INCONCLUSIVE, drifted=False, caught_up=False)
    assert to_mirror(good).open
    gate = to_mirror(good, behind)
    found = {line.name: line for line in gate.lines}
    assert (found["drift"].status, found["drift"].evidence) == (CriterionStatus.FAILED, (behind.id,))
    assert found["runs"].value == "1"


def test_of_a_run_that_failed_nothing_is_known_of_its_mirror() -> None:
    assert to_mirror(*sound(1), piece(status=Status.ERROR, drifted=False, caught_up=False)).open


def errors(*evidence: Evidence) -> tuple[CriterionStatus, int]:
    line = next(line for line in to_mirror(*evidence, runs=3).lines if line.name == "errors")
    return line.status, line.more_runs


def test_what_the_candidate_alone_fails_at_leaves_errors_open_until_it_did_not_for_as_many_runs() -> None:
    assert errors(*sound(3)) == (CriterionStatus.PASSED, 0)
    assert errors(*sound(5), excused(), *sound(1)) == (CriterionStatus.INCONCLUSIVE, 2)
    assert errors(excused(), *sound(1), excused(), *sound(3)) == (CriterionStatus.PASSED, 0)


def test_what_both_or_the_control_alone_fails_at_leaves_nothing_open() -> None:
    assert errors(*sound(3), excused(control_failed=True)) == (CriterionStatus.PASSED, 0)
    alone = excused(candidate_failed=False, control_failed=True)
    assert errors(*sound(3), alone) == (CriterionStatus.PASSED, 0)
