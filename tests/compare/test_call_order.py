"""No call comes before what it needs: Cart needs Users, and within a module one call comes after another."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.compare import Kind
from harness.compare.conversation import compare_conversations
from harness.gateway.calls import CallRecord
from tests.compare.records import make_call, make_record


def call(role: str, module: str, begin_s: float) -> CallRecord:
    return make_call(role, module, arrival_s=begin_s, granted_s=begin_s + 0.1, end_s=begin_s + 1)


IN_ORDER = [
    call("architect", "Users", 0),
    call("architect", "Cart", 1),
    call("developer", "Cart", 2),
    call("reviewer", "Cart", 3),
    call("optimizer", "Cart", 4),
]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        # Beside what it does not need.
        ({0: call("architect", "Users", 0.5), 1: call("architect", "Cart", 1.5)}, None),
        ({1: call("architect", "Cart", 0)}, "architect of Cart was asked before the architect of Users"),
        ({4: call("optimizer", "Cart", 3)}, "optimizer of Cart was asked before the reviewer of Cart"),
        (
            {3: call("optimizer", "Cart", 3), 4: call("reviewer", "Cart", 4)},
            "optimizer of Cart was asked before the reviewer of Cart",
        ),
        ({2: call("developer", "Cart", 1)}, "developer of Cart was asked before the architect of Cart"),
    ],
)
def test_a_call_that_comes_before_what_it_needs_is_told_of(
    changed: dict[int, CallRecord], said: str | None, tmp_path: Path
) -> None:
    """Its words are the same: nothing else shows that it came too early."""
    theirs = [changed.get(place, usual) for place, usual in enumerate(IN_ORDER)]
    control = make_record(tmp_path / "control", calls=IN_ORDER)
    found = compare_conversations(control, make_record(tmp_path / "candidate", calls=theirs)).mismatches
    assert [m.sentence for m in found] == ([f"the {said} had answered"] if said else [])
    assert all(mismatch.kind is Kind.CHANGED for mismatch in found)
    # What the control does itself is no fault of the candidate.
    again = make_record(tmp_path / "again", calls=theirs)
    assert compare_conversations(again, again).mismatches == ()
