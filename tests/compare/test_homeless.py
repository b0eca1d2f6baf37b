"""Calls that nothing tells the lane of, found again by their words."""

from __future__ import annotations

from pathlib import Path

from harness.compare import Kind
from harness.compare.conversation import compare_conversations
from harness.gateway.calls import CallRecord
from harness.gateway.lane import UNKNOWN_ROLE
from tests.compare.records import make_call, make_record

ASKED = "Write the module Cart."
SYSTEM = {"role": "system", "content": "You are the developer."}
USER = {"role": "user", "content": ASKED}


def found(tmp_path: Path, ours: list[CallRecord], theirs: list[CallRecord]) -> list[tuple[Kind, str]]:
    control = make_record(tmp_path / "control", calls=ours)
    result = compare_conversations(control, make_record(tmp_path / "candidate", calls=theirs))
    return [(mismatch.kind, mismatch.sentence) for mismatch in result.mismatches]


def test_a_call_without_its_system_message_is_still_that_call(tmp_path: Path) -> None:
    """And not one call too few, with another one too many of which nobody knows whose it is."""
    whole = make_call(messages=[SYSTEM, USER])
    without = make_call(UNKNOWN_ROLE, "Cart", messages=[USER])
    assert found(tmp_path, [whole], [without]) == [
        (Kind.PROMPT_DRIFT, "the developer of Cart was asked without message 1 (system)")
    ]


def test_a_conversation_without_its_beginning_is_still_that_conversation(tmp_path: Path) -> None:
    again = {"role": "user", "content": "Answer again."}
    answer = {"role": "assistant", "content": "Done."}
    whole = make_call(attempt=2, messages=[SYSTEM, USER, answer, again])
    cut = make_call(module=None, attempt=1, messages=[SYSTEM, again])
    assert found(tmp_path, [whole], [cut]) == [
        (Kind.PROMPT_DRIFT, "the developer of Cart (attempt 2) was asked without message 2 (user)")
    ]


def test_words_that_fit_two_lanes_tell_nothing(tmp_path: Path) -> None:
    ours = [make_call("developer", messages=[SYSTEM, USER]), make_call("reviewer", messages=[USER])]
    kinds = [kind for kind, _ in found(tmp_path, ours, [make_call(UNKNOWN_ROLE, None, messages=[USER])])]
    assert Kind.PROMPT_DRIFT not in kinds
