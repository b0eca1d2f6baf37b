"""The verdict: which status wins, with which reasons."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from harness.compare import Kind, Layer, Mismatch, Severity, Status
from harness.compare.expectations import Expectation, ExpectationStatus
from harness.compare.terms import EXACT, Policy, Terms
from harness.compare.verdict import Verdict, combined, exit_code, judge, worst
from harness.record import ModelFacts
from tests.compare.records import make_failure, make_record

CHANGED = Mismatch(layer=Layer.FILES, kind=Kind.CHANGED, path="a.py", sentence="a.py differs")
DRIFT = Mismatch(layer=Layer.CONVERSATION, kind=Kind.ANSWER_DRIFT, path="x", sentence="answered otherwise")
FOLLOWS = CHANGED.model_copy(update={"follows": True, "sentence": "b.py differs"})
UNMET = Expectation(key="min_speedup", status=ExpectationStatus.UNMET, sentence="too slow")
SKIPPED = Expectation(key="parallel", status=ExpectationStatus.NOT_JUDGED, sentence="one slot")

BROKEN = CHANGED.model_copy(update={"severity": Severity.BREAKING, "sentence": "c.py lost a route"})
ENDED = BROKEN.model_copy(update={"layer": Layer.OUTCOME, "sentence": "the candidate failed"})
CONTRACT = Terms(Policy.CONTRACT)
LIVE: dict[str, Any] = {"model": ModelFacts(kind="ollama", name="m")}

SURROUNDINGS = [Cause.MODEL, Cause.STATE]
OWN = [Cause.ENGINE, Cause.DEADLINE]


def judged(
    tmp_path: Path,
    control: dict[str, Any] | None = None,
    candidate: dict[str, Any] | None = None,
    mismatches: tuple[Mismatch, ...] = (),
    expectations: tuple[Expectation, ...] = (),
    terms: Terms = EXACT,
) -> Verdict:
    ours = make_record(tmp_path / "control", **control or {})
    theirs = make_record(tmp_path / "candidate", **candidate or {})
    return judge(ours, theirs, mismatches, expectations, terms=terms)


def failing(cause: Cause, task: str = "engine", reason: str = "it broke") -> dict[str, Any]:
    return {"failures": [make_failure(cause, task, reason)]}


def test_equal_runs_pass_and_the_reason_says_how_much_was_compared(tmp_path: Path) -> None:
    verdict = judged(tmp_path, expectations=(SKIPPED,))
    assert verdict.status is Status.PASS
    assert verdict.reasons == ("2 calls, 3 files, the blackboard and 1 event are equal",)


@pytest.mark.parametrize(
    ("nothing", "words"),
    [
        ({"files": {}}, "neither has a file"),
        ({"blackboard": None}, "neither has a blackboard"),
        ({"blackboard": {}}, "neither has a blackboard"),
        ({"calls": ()}, "no call of the control went through the gateway"),
    ],
)
def test_no_data_never_passes(nothing: dict[str, Any], words: str, tmp_path: Path) -> None:
    """Two runs that left nothing are equal, and that says nothing."""
    verdict = judged(tmp_path, nothing, nothing)
    assert verdict.status is Status.ERROR
    assert words in verdict.reasons[0]


@pytest.mark.parametrize("side", ["control", "candidate"])
def test_an_engine_that_goes_past_the_gateway_cannot_be_judged(side: str, tmp_path: Path) -> None:
    verdict = judged(tmp_path, **{side: {"calls": ()}}, mismatches=(CHANGED,))  # type: ignore[arg-type]
    assert (verdict.status, verdict.reasons) == (
        Status.ERROR,
        (f"no call of the {side} went through the gateway",),
    )


def test_mismatches_and_unmet_expectations_fail_causes_first(tmp_path: Path) -> None:
    verdict = judged(tmp_path, mismatches=(FOLLOWS, CHANGED), expectations=(SKIPPED, UNMET))
    assert (verdict.status, verdict.reasons) == (Status.FAIL, ("a.py differs", "too slow"))
    assert judged(tmp_path, expectations=(UNMET,)).status is Status.FAIL


def test_an_expectation_that_one_pair_cannot_decide_is_no_pass(tmp_path: Path) -> None:
    near = UNMET.model_copy(update={"status": ExpectationStatus.INCONCLUSIVE, "sentence": "too near"})
    verdict = judged(tmp_path, expectations=(near,))
    assert (verdict.status, verdict.reasons) == (Status.INCONCLUSIVE, ("too near",))
    assert judged(tmp_path, mismatches=(CHANGED,), expectations=(near,)).status is Status.FAIL


def test_mismatches_that_all_follow_still_fail(tmp_path: Path) -> None:
    """Should two explain each other, neither may be lost."""
    assert judged(tmp_path, mismatches=(FOLLOWS,)).reasons == ("b.py differs",)
    assert judged(tmp_path, mismatches=(FOLLOWS,)).status is Status.FAIL


def test_other_answers_of_the_model_are_inconclusive_with_all_that_follows(tmp_path: Path) -> None:
    verdict = judged(tmp_path, mismatches=(DRIFT, FOLLOWS, DRIFT))
    assert verdict.status is Status.INCONCLUSIVE
    assert "the model answered 2 equal requests differently" in verdict.reasons[0]


def test_a_cause_beside_other_answers_fails(tmp_path: Path) -> None:
    assert judged(tmp_path, mismatches=(DRIFT, CHANGED)).reasons == ("a.py differs",)
    assert judged(tmp_path, mismatches=(DRIFT,), expectations=(UNMET,)).status is Status.FAIL


@pytest.mark.parametrize("cause", SURROUNDINGS)
@pytest.mark.parametrize("side", ["control", "candidate"])
def test_a_fault_of_model_or_state_is_an_error_on_either_side(
    cause: Cause, side: str, tmp_path: Path
) -> None:
    """Nothing that came of it can be held against an engine."""
    broken = failing(cause, "developer:Cart", "gone\naway")
    verdict = judged(tmp_path, **{side: broken}, mismatches=(CHANGED,))  # type: ignore[arg-type]
    assert (verdict.status, verdict.reasons) == (
        Status.ERROR,
        (f"the {side} failed at developer:Cart: gone away",),
    )


@pytest.mark.parametrize("cause", [Cause.ENGINE, Cause.DEADLINE, Cause.ANSWER, Cause.REQUEST])
def test_a_failure_of_the_candidate_alone_is_its_own(cause: Cause, tmp_path: Path) -> None:
    assert judged(tmp_path, {}, failing(cause), (CHANGED,)).status is Status.FAIL


@pytest.mark.parametrize("cause", OWN)
@pytest.mark.parametrize("task", ["engine", "developer:Cart"])
def test_a_control_that_broke_by_itself_is_no_measure(cause: Cause, task: str, tmp_path: Path) -> None:
    verdict = judged(tmp_path, failing(cause, task), {}, (CHANGED,))
    assert (verdict.status, verdict.reasons) == (Status.ERROR, (f"the control failed at {task}: it broke",))


def test_a_control_that_could_not_use_an_answer_which_the_candidate_could_is_a_mismatch(
    tmp_path: Path,
) -> None:
    assert judged(tmp_path, failing(Cause.ANSWER, "developer:Cart"), {}, (CHANGED,)).status is Status.FAIL


@pytest.mark.parametrize("cause", OWN)
def test_where_both_were_cut_off_what_differs_says_nothing(cause: Cause, tmp_path: Path) -> None:
    verdict = judged(tmp_path, failing(cause), failing(cause), (CHANGED,))
    assert verdict.status is Status.ERROR
    assert verdict.reasons == (
        "the control failed at engine: it broke",
        "the candidate failed at engine: it broke",
    )


@pytest.mark.parametrize("cause", [Cause.ANSWER, Cause.REQUEST, Cause.ENGINE])
def test_of_a_task_that_failed_in_both_alike_the_rest_is_still_compared(cause: Cause, tmp_path: Path) -> None:
    both = failing(cause, "developer:Cart")
    assert judged(tmp_path, both, both, (CHANGED,)).status is Status.FAIL
    alike = judged(tmp_path, both, both)
    assert alike.status is Status.ERROR
    assert "both ended alike" in alike.reasons[0]


def test_what_both_left_broken_alike_is_an_error(tmp_path: Path) -> None:
    verdict = judged(tmp_path, {"defects": ["a.py is empty"]}, {"defects": ["a.py is empty"]})
    assert verdict.status is Status.ERROR
    assert "what it left is broken: a.py is empty" in verdict.reasons[0]


def test_of_several_verdicts_the_worst_counts_and_none_is_not_enough() -> None:
    order = [Status.PASS, Status.INCONCLUSIVE, Status.ERROR, Status.FAIL]
    for better, worse in itertools.combinations(order, 2):
        assert worst([worse, better]) is worst([better, worse]) is worse
    assert worst([]) is Status.INCONCLUSIVE


@pytest.mark.parametrize(
    ("status", "code"), [(Status.PASS, 0), (Status.FAIL, 1), (Status.ERROR, 3), (Status.INCONCLUSIVE, 3)]
)
def test_every_status_has_its_exit_code(status: Status, code: int) -> None:
    assert exit_code(status) == code


def test_by_contract_what_breaks_nothing_is_not_counted(tmp_path: Path) -> None:
    verdict = judged(tmp_path, mismatches=(CHANGED, FOLLOWS), terms=CONTRACT)
    assert verdict.status is Status.PASS
    assert verdict.reasons == ("nothing that the control promises is gone; 2 mismatches break nothing",)


@pytest.mark.parametrize("broken", [BROKEN, BROKEN.model_copy(update={"follows": True}), ENDED])
def test_by_contract_what_breaks_a_promise_fails(broken: Mismatch, tmp_path: Path) -> None:
    """Also where it follows from something that does not count by itself."""
    verdict = judged(tmp_path, mismatches=(CHANGED, broken), terms=CONTRACT)
    assert (verdict.status, verdict.reasons) == (Status.FAIL, (broken.sentence,))


def test_by_contract_other_answers_can_explain_what_breaks_after_them(tmp_path: Path) -> None:
    follows = BROKEN.model_copy(update={"follows": True})
    assert judged(tmp_path, LIVE, LIVE, (DRIFT, follows), terms=CONTRACT).status is Status.INCONCLUSIVE
    assert judged(tmp_path, LIVE, LIVE, (DRIFT, BROKEN), terms=CONTRACT).status is Status.FAIL
    assert judged(tmp_path, LIVE, LIVE, (DRIFT, FOLLOWS), terms=CONTRACT).status is Status.PASS


@pytest.mark.parametrize("side", ["control", "candidate"])
@pytest.mark.parametrize("cause", [*OWN, Cause.ANSWER])
def test_where_answers_vary_a_run_that_fails_is_no_mismatch_and_no_pass(
    cause: Cause, side: str, tmp_path: Path
) -> None:
    """How often it does is for the quality to say."""
    runs = {"control": LIVE, "candidate": LIVE, side: {**LIVE, **failing(cause)}}
    verdict = judged(tmp_path, runs["control"], runs["candidate"], (DRIFT, ENDED, BROKEN), terms=CONTRACT)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.reasons[0].startswith(f"the {side} failed at engine: it broke")


def test_where_answers_vary_what_is_left_broken_is_no_mismatch(tmp_path: Path) -> None:
    broken: dict[str, Any] = {"defects": ["a.py is empty"]}
    assert judged(tmp_path, LIVE, {**LIVE, **broken}, (ENDED,), terms=CONTRACT).status is Status.PASS
    assert judged(tmp_path, {}, broken, (ENDED,), terms=CONTRACT).status is Status.FAIL


@pytest.mark.parametrize("cause", SURROUNDINGS)
def test_a_fault_of_model_or_state_is_an_error_by_contract_too(cause: Cause, tmp_path: Path) -> None:
    broken = {**LIVE, **failing(cause)}
    assert judged(tmp_path, LIVE, broken, (ENDED,), terms=CONTRACT).status is Status.ERROR


def test_the_weightiest_reason_comes_first(tmp_path: Path) -> None:
    minor = CHANGED.model_copy(update={"severity": Severity.MINOR, "sentence": "a log differs"})
    verdict = judged(tmp_path, mismatches=(minor, CHANGED, BROKEN))
    assert verdict.reasons == ("c.py lost a route", "a.py differs", "a log differs")


def test_several_verdicts_come_to_the_worst_with_its_reasons_first() -> None:
    passed = Verdict(status=Status.PASS, reasons=("equal",))
    unknown = Verdict(status=Status.INCONCLUSIVE, reasons=("too few", "noise"))
    failed = Verdict(status=Status.FAIL, reasons=("a.py differs", "noise"))
    assert combined([passed, unknown, failed]) == Verdict(
        status=Status.FAIL, reasons=("a.py differs", "noise", "too few", "equal")
    )
