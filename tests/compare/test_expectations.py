"""What a spec expects beyond equality: met, unmet, or not to be judged by these two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from harness.compare.expectations import Expectation, check_expectations
from harness.spec import Spec
from tests.compare.records import board, make_call, make_failure, make_record


def seen(
    tmp_path: Path,
    expect: dict[str, Any],
    control: dict[str, Any],
    candidate: dict[str, Any],
    *,
    same_answers: bool = True,
) -> Expectation:
    spec = Spec.model_validate({"name": "shop", "idea": "a shop", "expect": expect})
    (expectation,) = check_expectations(
        spec,
        make_record(tmp_path / "control", **{"concurrent": False, "wall_s": 40.0, **control}),
        make_record(tmp_path / "candidate", **candidate),
        same_answers=same_answers,
    )
    return expectation


OVERLAPPING = {"calls": [make_call(module="A"), make_call(module="B", granted_s=0.5, end_s=3.0)]}
APART = {"calls": [make_call(module="A"), make_call(module="B", granted_s=1.0, end_s=3.0)]}
# Four calls of modules that need nothing of each other keep two slots busy for four seconds.
FULL = {
    "blackboard": board(
        architecture={
            "project": "p",
            "modules": [{"name": name, "module_type": "data", "requires": []} for name in "ABCD"],
        }
    ),
    "calls": [
        make_call("architect", "A", granted_s=0.0, end_s=2.0),
        make_call("architect", "C", granted_s=0.0, end_s=2.0),
        make_call("architect", "B", granted_s=2.0, end_s=4.0),
        make_call("architect", "D", granted_s=2.0, end_s=4.0),
    ],
}
FAILED = {"failures": [make_failure(Cause.ANSWER)]}
ONE_MODULE = {"blackboard": board(modules={"A": {}})}

# Expectation, control, candidate, same answers; the status, words of the sentence.
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], bool, str, str]] = {
    "enough modules": (
        {"modules": 2},
        {},
        {},
        True,
        "met",
        "2 modules by the control and 2 by the candidate",
    ),
    "too few modules": ({"modules": 3}, {}, {}, True, "unmet", "at least 3 expected"),
    "too few of the candidate": ({"modules": 2}, {}, ONE_MODULE, True, "unmet", "and 1 by the candidate"),
    "too few of the control": ({"modules": 2}, ONE_MODULE, {}, True, "unmet", "1 modules by the control"),
    "no blackboard": ({"modules": 1}, {}, {"blackboard": None}, True, "unmet", "0 by the candidate"),
    "another plan": ({"modules": 3}, {}, {}, False, "not judged", "the model answered the two differently"),
    "modules of a failure": ({"modules": 2}, {}, FAILED, True, "not judged", "the candidate failed"),
    "in parallel": (
        {"parallel": [["A", "B"]]},
        {},
        OVERLAPPING,
        True,
        "met",
        "in parallel for 0.500 s; more than 0",
    ),
    "one after the other": ({"parallel": [["A", "B"]]}, {}, APART, True, "unmet", "in parallel for 0.000 s"),
    "never generated": (
        {"parallel": [["A", "C"]]},
        {},
        APART,
        True,
        "unmet",
        "(nothing was generated for C)",
    ),
    "not planned this time": (
        {"parallel": [["A", "C"]]},
        {},
        APART,
        False,
        "not judged",
        "the model answered the two differently",
    ),
    "apart, and other answers": ({"parallel": [["A", "B"]]}, {}, APART, False, "unmet", "0.000 s"),
    "one call at a time": (
        {"parallel": [["A", "B"]]},
        {},
        {**APART, "concurrent": False},
        True,
        "not judged",
        "the candidate makes one call at a time",
    ),
    "one slot": (
        {"parallel": [["A", "B"]]},
        {},
        {**APART, "slots": 1},
        True,
        "not judged",
        "the model has one slot",
    ),
    "no slot to spare": (
        {"parallel": [["A", "B"]]},
        {},
        {**FULL, "slots": 2, "wall_s": 4.0},
        True,
        "not judged",
        "the 2 slots were at work all the time, on other modules",
    ),
    "slots to spare": (
        {"parallel": [["A", "B"]]},
        {},
        {**FULL, "slots": 3, "wall_s": 4.0},
        True,
        "unmet",
        "0.000",
    ),
    "more than the calls allow": (
        {"min_speedup": 12},
        {},
        {**FULL, "slots": 2, "wall_s": 4.0},
        True,
        "not judged",
        "on 2 slots these calls allow 10.00 at most",
    ),
    "as much as the calls allow": (
        {"min_speedup": 10},
        {},
        {**FULL, "slots": 2, "wall_s": 5.1},
        True,
        "unmet",
        "speed-up 7.84; at least 10 expected",
    ),
    "parallel of a failure": (
        {"parallel": [["A", "B"]]},
        {},
        {**APART, **FAILED},
        True,
        "not judged",
        "the candidate failed",
    ),
    "parallel of two sittings": (
        {"parallel": [["A", "B"]]},
        {},
        {**OVERLAPPING, "sittings": 2},
        True,
        "not judged",
        "the candidate was resumed, and took 2 sittings",
    ),
    "fast in two sittings": (
        {"min_speedup": 2},
        {},
        {"sittings": 2},
        True,
        "not judged",
        "the candidate was resumed, and took 2 sittings",
    ),
    "slow in three sittings": (
        {"min_speedup": 2},
        {"sittings": 3},
        {},
        True,
        "not judged",
        "the control was resumed, and took 3 sittings",
    ),
    "fast enough": ({"min_speedup": 3.1}, {}, {}, True, "met", "speed-up 4.00; at least 3.1 expected"),
    "too slow": ({"min_speedup": 5.1}, {}, {}, True, "unmet", "speed-up 4.00; at least 5.1 expected"),
    "too near for one pair": (
        {"min_speedup": 3.3},
        {},
        {},
        True,
        "inconclusive",
        "4.00, between 3.20 and 5.00 (allowed, not measured, 1 pair); at least 3.3 expected; more pairs "
        "would tell (--repeat 5)",
    ),
    "other work": (
        {"min_speedup": 4.1},
        {},
        {},
        False,
        "not judged",
        "the model answered the two differently",
    ),
    "no faster by one slot": (
        {"min_speedup": 9},
        {},
        {"slots": 1},
        True,
        "not judged",
        "the model has one slot",
    ),
    "two of a kind": (
        {"min_speedup": 9},
        {"concurrent": True},
        {},
        True,
        "not judged",
        "the control is concurrent too",
    ),
    "fast because it failed": ({"min_speedup": 2}, {}, FAILED, True, "not judged", "the candidate failed"),
    "slow because it failed": ({"min_speedup": 2}, FAILED, {}, True, "not judged", "the control failed"),
    "no time at all": ({"min_speedup": 2}, {}, {"wall_s": 0.0}, True, "unmet", "speed-up 0.00"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_expectation_is_judged_where_the_runs_can_show_it(case: str, tmp_path: Path) -> None:
    expect, control, candidate, same_answers, status, words = CASES[case]
    expectation = seen(tmp_path, expect, control, candidate, same_answers=same_answers)
    assert (expectation.status, words in expectation.sentence) == (status, True), expectation.sentence
    assert expectation.key.split()[0] in expect


def test_nothing_expected_is_nothing_judged(tmp_path: Path) -> None:
    spec = Spec(name="shop", idea="a shop")
    record = make_record(tmp_path)
    assert check_expectations(spec, record, record, same_answers=True) == ()
