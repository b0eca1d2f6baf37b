"""Gates: each criterion passed, failed or inconclusive, and never passed by nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from harness.compare import Status
from harness.compare.terms import Policy
from harness.evidence import Evidence, EvidenceKind
from harness.flags import START, Step
from harness.flags.ladder import next_step
from harness.gates import Criteria, CriterionLine, CriterionStatus, Gate, Sifted, engines_of, judge_gate
from tests.gates.pieces import piece

SPECS = ("shop", "clinic", "notes")


def step(number: int) -> Step:
    """The step of that number, from 0."""
    found = next_step(START)
    for _ in range(number):
        assert found is not None
        found = next_step(found.after)
    assert found is not None
    return found


TO_MIRROR, TO_ASYNC = step(0), step(3)


def judged(
    evidence: Iterable[Evidence] = (),
    criteria: Criteria | None = None,
    taken: Step = TO_ASYNC,
    suites: Iterable[Evidence] = (),
    served: Iterable[Evidence] = (),
    **more: Any,
) -> Gate:
    return judge_gate(
        taken,
        engines_of(taken),
        criteria or Criteria(min_speedup=1.0),
        Sifted(tuple(evidence), tuple(served), tuple(suites), ()),
        **more,
    )


def good(pairs: int = 12) -> list[Evidence]:
    return [piece(spec=SPECS[number % 3]) for number in range(pairs)]


def line(gate: Gate, name: str) -> CriterionLine:
    return next(line for line in gate.lines if line.name == name)


def test_enough_good_evidence_opens_the_gate_and_is_named() -> None:
    evidence = good()
    gate = judged(evidence)
    assert gate.open
    assert set(gate.evidence) == {e.id for e in evidence}
    assert line(gate, "speed-up").value.startswith("3.00, between 3.00 and 3.00")
    assert gate.to_do == ()


def test_nothing_never_passes() -> None:
    everything = Criteria(min_speedup=1.0, error_rate=0.1, load_test=True, seeded_suite=True, approval=True)
    for taken in (TO_MIRROR, TO_ASYNC):
        gate = judged((), everything, taken)
        assert not gate.open
        assert {found.status for found in gate.lines} == {CriterionStatus.INCONCLUSIVE}


def test_what_could_not_be_judged_counts_for_nothing() -> None:
    gate = judged(
        [*good(9), *(piece(status=s) for s in (Status.ERROR, Status.INCONCLUSIVE) for _ in range(5))]
    )
    assert (line(gate, "runs").value, line(gate, "runs").more_runs) == ("9", 1)
    assert line(gate, "mismatches").value == "0 of 9; 10 more could not be judged"
    assert not gate.open


@pytest.mark.parametrize(
    ("policy", "found", "status"),
    [
        (Policy.EXACT, {"mismatches": 1}, CriterionStatus.FAILED),
        (Policy.CONTRACT, {"mismatches": 1}, CriterionStatus.PASSED),
        (Policy.CONTRACT, {"mismatches": 1, "breaking": 1}, CriterionStatus.FAILED),
    ],
)
def test_a_mismatch_counts_by_the_policy(
    policy: Policy, found: dict[str, int], status: CriterionStatus
) -> None:
    bad = piece(status=Status.FAIL, **found)
    mismatches = line(judged([*good(), bad], Criteria(policy=policy)), "mismatches")
    assert mismatches.status is status
    assert (mismatches.evidence == (bad.id,)) == (status is CriterionStatus.FAILED)


def test_a_budget_is_held_to_its_last_unit() -> None:
    bad = [piece(status=Status.FAIL, mismatches=1) for _ in range(2)]
    for budget, status in ((1, CriterionStatus.FAILED), (2, CriterionStatus.PASSED)):
        assert line(judged([*good(), *bad], Criteria(mismatches=budget)), "mismatches").status is status


def test_failures_are_errors_where_the_control_did_not_fail_as_well() -> None:
    alone = piece(status=Status.FAIL, candidate_failed=True)
    both = piece(status=Status.FAIL, candidate_failed=True, control_failed=True)
    assert line(judged([*good(), both]), "errors").status is CriterionStatus.PASSED
    errors = line(judged([*good(), both, alone]), "errors")
    assert (errors.status, errors.value, errors.evidence) == (CriterionStatus.FAILED, "1 of 14", (alone.id,))


def test_a_build_that_async_failed_to_serve_is_an_error_without_any_comparison() -> None:
    served = [piece(kind=EvidenceKind.SERVED, candidate_run=f"r{number}") for number in range(3)]
    failed = piece(kind=EvidenceKind.SERVED, status=Status.FAIL, candidate_failed=True, candidate_run="r3")
    errors = line(judged(good(10), served=[*served, failed]), "errors")
    assert (errors.status, errors.value, errors.evidence) == (CriterionStatus.FAILED, "1 of 14", (failed.id,))


def test_a_build_that_was_served_and_compared_is_one_build() -> None:
    compared = piece(status=Status.FAIL, candidate_failed=True, candidate_run="r1")
    served = piece(kind=EvidenceKind.SERVED, status=Status.FAIL, candidate_failed=True, candidate_run="r1")
    assert line(judged([*good(9), compared], served=[served]), "errors").value == "1 of 10"


def test_an_error_rate_is_passed_by_so_many_runs_only_as_the_rate_needs() -> None:
    """59 without an error show with 95 % confidence that it is below 5 %; 58 do not."""
    for runs, status, more in ((59, CriterionStatus.PASSED, 0), (58, CriterionStatus.INCONCLUSIVE, 1)):
        rate = line(judged(good(runs), Criteria(error_rate=0.05)), "error rate")
        assert (rate.status, rate.more_runs) == (status, more)
    failures = [piece(status=Status.FAIL, candidate_failed=True) for _ in range(5)]
    rate = line(judged([*good(10), *failures], Criteria(error_rate=0.05)), "error rate")
    assert rate.status is CriterionStatus.FAILED


@pytest.mark.parametrize(
    ("drifted", "caught_up", "status"),
    [
        (False, True, CriterionStatus.PASSED),
        (True, True, CriterionStatus.FAILED),
        (False, False, CriterionStatus.FAILED),
    ],
)
def test_a_mirror_that_drifted_or_did_not_catch_up_is_drift(
    drifted: bool, caught_up: bool, status: CriterionStatus
) -> None:
    evidence = [piece(drifted=False, caught_up=True), piece(drifted=drifted, caught_up=caught_up)]
    assert line(judged(evidence, taken=TO_MIRROR), "drift").status is status


def test_drift_is_asked_of_mirrors_only_and_speed_of_the_concurrent_only() -> None:
    assert {"drift", "speed-up"} & {found.name for found in judged(taken=TO_MIRROR).lines} == {"drift"}
    assert {"drift", "speed-up"} & {found.name for found in judged(taken=TO_ASYNC).lines} == {"speed-up"}


@pytest.mark.parametrize(
    ("candidate_walls", "status"),
    [
        ([10.0, 10.5, 9.5, 10.2, 9.8], CriterionStatus.PASSED),
        ([60.0, 61.0, 62.0, 60.5, 61.5], CriterionStatus.FAILED),
        ([20.0, 45.0, 25.0, 40.0, 30.0], CriterionStatus.INCONCLUSIVE),
    ],
)
def test_the_speedup_is_judged_by_its_interval(candidate_walls: list[float], status: CriterionStatus) -> None:
    speed = line(judged([piece(candidate_wall_s=wall) for wall in candidate_walls]), "speed-up")
    assert speed.status is status
    assert (speed.more_runs > 0) == (status is CriterionStatus.INCONCLUSIVE)


def test_pairs_without_times_or_on_one_slot_say_nothing_of_speed() -> None:
    pieces = [piece(slots=1) for _ in range(6)] + [piece(control_wall_s=None, candidate_wall_s=None)]
    assert line(judged(pieces), "speed-up").value == "no pair has times that count"


def test_a_fallback_is_held_against_the_step() -> None:
    fallback = piece(kind=EvidenceKind.FALLBACK, status=Status.FAIL, candidate_failed=True)
    assert not judged(good(), served=[fallback]).open
    assert judged(good(), Criteria(fallbacks=1), served=[fallback]).open


@pytest.mark.parametrize(
    ("suites", "status"),
    [
        ([], CriterionStatus.INCONCLUSIVE),
        ([Status.PASS], CriterionStatus.PASSED),
        ([Status.PASS, Status.FAIL], CriterionStatus.FAILED),
        ([Status.FAIL, Status.PASS], CriterionStatus.PASSED),
    ],
)
def test_the_last_run_of_a_suite_counts(suites: list[Status], status: CriterionStatus) -> None:
    pieces = [piece(kind=EvidenceKind.SUITE, status=status) for status in suites]
    gate = judged(good(), Criteria(seeded_suite=True), suites=pieces)
    assert line(gate, "seeded regressions").status is status


def test_a_gate_that_waits_for_a_person_goes_on_judging() -> None:
    criteria = Criteria(approval=True)
    waiting = judged(good(), criteria)
    assert [found.name for found in waiting.lines if found.status is not CriterionStatus.PASSED] == [
        "approval"
    ]
    assert judged(good(), criteria, approved_by="ada").open
    late = judged([*good(), piece(status=Status.FAIL, mismatches=1)], criteria, approved_by="ada")
    assert line(late, "mismatches").status is CriterionStatus.FAILED
    assert not late.open


def test_a_watermark_that_was_not_reached_keeps_the_gate_shut_and_what_to_do_is_told() -> None:
    behind = CriterionLine(
        name="watermark", status=CriterionStatus.INCONCLUSIVE, value="3 behind", limit="0", test="counted"
    )
    gate = judged(good(), watermark=behind, to_do=["harness mirror verify"])
    assert not gate.open
    assert gate.to_do == ("harness mirror verify",)
