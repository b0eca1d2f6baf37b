"""The outcome layer: who failed, how it is said, and what of it has another cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from agents.roles import Role
from agents.workflow import Task
from harness.compare import Kind, Mismatch, Severity
from harness.compare.conversation import ConversationResult
from harness.compare.outcome import compare_outcomes, describe_outcome, failed_otherwise
from harness.record import OutcomeStatus, RunOutcome
from tests.compare.records import make_failure, make_record

EQUAL = ConversationResult((), frozenset(), frozenset())
CART = frozenset({Task(Role.OPTIMIZER, "Cart")})
REWORDED = ConversationResult((), CART, frozenset())
LOST = ConversationResult((), frozenset(), CART)


def compared(
    tmp_path: Path,
    ours: dict[str, Any],
    theirs: dict[str, Any],
    conversation: ConversationResult = EQUAL,
    *,
    left_alike: bool = True,
) -> list[Mismatch]:
    control, candidate = make_record(tmp_path / "a", **ours), make_record(tmp_path / "b", **theirs)
    return list(compare_outcomes(control, candidate, conversation, left_alike=left_alike))


BROKEN = {"failures": [make_failure(Cause.ENGINE, reason="KeyError:\n'Cart'")]}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "candidate only": (
        {},
        BROKEN,
        "developer:Cart failed in the candidate only: KeyError: 'Cart' (cause: engine)",
    ),
    "control only": (
        BROKEN,
        {},
        "developer:Cart failed in the control only: KeyError: 'Cart' (cause: engine)",
    ),
    "both, not alike": (
        BROKEN,
        {"failures": [make_failure(Cause.ANSWER, reason="no")]},
        "developer:Cart failed in both, but not alike: no (cause: answer) instead of KeyError: 'Cart' "
        "(cause: engine)",
    ),
    "skipped": ({}, {"skipped": ["integrator"]}, "integrator was skipped in the candidate only"),
    "defect": ({"defects": ["a.py is empty"]}, {"defects": []}, "in the control only: a.py is empty"),
    "no reason": ({}, {"status": OutcomeStatus.FAILED}, "the candidate failed; the control finished"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs_is_told_in_one_sentence(case: str, tmp_path: Path) -> None:
    ours, theirs, sentence = CASES[case]
    (mismatch,) = compared(tmp_path, ours, theirs)
    assert (mismatch.kind, mismatch.follows, mismatch.sentence) == (Kind.FAILED, False, sentence)


@pytest.mark.parametrize("broken", [BROKEN, {"skipped": ["reviewer:Cart"]}, {"defects": ["a.py is empty"]}])
def test_only_a_candidate_that_ends_worse_breaks_a_promise(broken: dict[str, Any], tmp_path: Path) -> None:
    """Under the policy `contract` that is what counts."""
    (worse,) = compared(tmp_path / "worse", {}, broken)
    (better,) = compared(tmp_path / "better", broken, {})
    assert (worse.severity, better.severity) == (Severity.BREAKING, Severity.MAJOR)


def test_two_that_end_alike_do_not_differ(tmp_path: Path) -> None:
    both = {**BROKEN, "skipped": ["integrator"], "defects": ["a.py is empty"]}
    assert compared(tmp_path, both, both) == []


def test_what_was_skipped_follows_from_what_failed(tmp_path: Path) -> None:
    found = compared(tmp_path, {}, {**BROKEN, "skipped": ["reviewer:Cart", "integrator"]})
    assert [mismatch.follows for mismatch in found] == [False, True, True]


@pytest.mark.parametrize(
    ("cause", "conversation", "follows"),
    [
        (Cause.ANSWER, REWORDED, True),
        (Cause.REQUEST, REWORDED, True),
        (Cause.MODEL, REWORDED, True),
        (Cause.ENGINE, REWORDED, False),
        (Cause.DEADLINE, REWORDED, False),
        (Cause.STATE, REWORDED, False),
        (Cause.ENGINE, LOST, True),
        (Cause.ANSWER, EQUAL, False),
    ],
)
def test_other_words_explain_an_answer_and_not_that_an_engine_breaks(
    cause: Cause, conversation: ConversationResult, follows: bool, tmp_path: Path
) -> None:
    (mismatch,) = compared(tmp_path, {}, {"failures": [make_failure(cause)]}, conversation)
    assert mismatch.follows is follows


def test_defects_follow_where_what_was_left_differs(tmp_path: Path) -> None:
    """Defects are found by looking at blackboard and files: what differs there comes first."""
    broken = {"defects": ["a.py is empty"]}
    assert not compared(tmp_path, {}, broken)[0].follows
    assert compared(tmp_path, {}, broken, left_alike=False)[0].follows


def test_tasks_that_failed_in_both_alike_do_not_count_as_failed_otherwise(tmp_path: Path) -> None:
    alike, other = make_failure(Cause.ANSWER, "auditor"), make_failure(Cause.ANSWER, "developer:Cart", "x")
    control = make_record(tmp_path / "a", failures=[alike, make_failure(Cause.ANSWER, "developer:Cart", "y")])
    candidate = make_record(tmp_path / "b", failures=[alike, other, make_failure(Cause.STATE, "state")])
    assert failed_otherwise(control, candidate) == ("developer:Cart", "state")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (RunOutcome(status=OutcomeStatus.FINISHED), "finished"),
        (RunOutcome(status=OutcomeStatus.FAILED), "failed"),
        (
            RunOutcome(status=OutcomeStatus.FAILED, failures=(make_failure(Cause.ANSWER),) * 3),
            "failed at developer:Cart: it did not work (and 2 more)",
        ),
        (
            RunOutcome(status=OutcomeStatus.BROKEN, defects=("a.py is empty", "b")),
            "finished, but what it left is broken: a.py is empty (and 1 more)",
        ),
    ],
)
def test_an_outcome_in_a_few_words(outcome: RunOutcome, words: str) -> None:
    assert describe_outcome(outcome) == words
