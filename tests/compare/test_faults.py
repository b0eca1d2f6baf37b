"""What an engine made of calls that went wrong, a sentence for each lane."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.compare.faults import reactions
from harness.gateway.calls import CallRecord
from tests.compare.records import make_call, make_record


def call(number: int, fault: str | None = None, error: str | None = None, **fields: object) -> CallRecord:
    made = make_call(number=number, error=error, status=500 if error else 200)
    return made.model_copy(update={"fault": fault, **fields})


GOOD = call(9)
FAILED = call(1, "500", "no memory")


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        ([GOOD], None),
        ([FAILED], "500; not asked again"),
        ([FAILED, GOOD], "500; asked again once, and answered"),
        ([FAILED, FAILED, GOOD], "500 (2 times); asked again 2 times, and answered"),
        ([FAILED, call(2, "503", "busy")], "500, 503; asked again once, and never answered whole"),
        ([call(1, "slow:5x")], "slow:5x; answered all the same"),
        ([call(1, None, "gone")], "status 500, gone; not asked again"),
        ([call(1, "empty", response="")], "empty; answered all the same"),
        (
            [call(1, "empty", response=""), make_call(attempt=2, number=2)],
            "empty; the answer was not taken, and another asked for",
        ),
        ([call(1, None, "not found", not_recorded=True)], None),
    ],
)
def test_the_reaction_is_said(calls: list[CallRecord], said: str | None, tmp_path: Path) -> None:
    record = make_record(tmp_path, calls=calls)
    expected = [f"candidate: the developer of Cart: {said}"] if said else []
    assert list(reactions(record, "candidate")) == expected


def test_each_lane_has_its_own(tmp_path: Path) -> None:
    other = make_call("reviewer", "Users").model_copy(update={"fault": "slow:2x"})
    record = make_record(tmp_path, calls=[FAILED, other, GOOD])
    assert list(reactions(record, "control")) == [
        "control: the developer of Cart: 500; asked again once, and answered",
        "control: the reviewer of Users: slow:2x; answered all the same",
    ]
