"""What the engines made of calls that failed for a reason which may pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.conversation import Cause
from harness.compare import Kind, Layer, Status, compare
from harness.compare.retries import compare_retries
from harness.gateway.calls import CallRecord
from harness.spec import Spec
from tests.compare.records import make_call, make_failure, make_record

SPEC = Spec.model_validate({"name": "shop", "idea": "a shop"})


def calls(failed: int, *, answered: bool = True, pause_s: float = 1.0, status: int = 503) -> list[CallRecord]:
    """So many calls of one lane that failed, a pause after each, and one that was answered."""
    made = [
        make_call(
            number=number,
            arrival_s=number * (1 + pause_s),
            end_s=number * (1 + pause_s) + 1,
            status=status if number < failed else 200,
            error="busy" if number < failed else None,
        )
        for number in range(failed + 1)
    ]
    return made if answered else made[:-1]


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        (calls(1), calls(1), None),
        (calls(0), calls(2), None),
        (calls(2), calls(0), None),
        # Each went on for as long as its own model failed.
        (calls(1), calls(4, answered=False), None),
        (calls(1), calls(1, answered=False), "was not asked again after that failed once (status 503, busy)"),
        (calls(4, answered=False), calls(4), "was asked again after that failed 4 times (status 503, busy)"),
        # A time-out is final, and a 404 too.
        (calls(1, status=404), calls(1, answered=False, status=404), None),
        (calls(1), calls(1, pause_s=0.0), "was asked again 0.000 s after that failed"),
        (calls(1, pause_s=0.0), calls(1, pause_s=0.0), None),
    ],
)
def test_only_what_the_engines_made_of_equal_failures_counts(
    ours: list[CallRecord], theirs: list[CallRecord], said: str | None
) -> None:
    found = list(compare_retries(ours, theirs))
    assert len(found) == (said is not None)
    assert all(mismatch.sentence.startswith(f"the developer of Cart {said}") for mismatch in found)


def test_a_missing_retry_is_the_engines_doing_though_the_model_failed(tmp_path: Path) -> None:
    """Else it would be an ERROR: a candidate that fails for want of a model is not to blame."""
    failure = make_failure(Cause.MODEL, "developer:Cart", "503")
    control = make_record(tmp_path / "control", calls=calls(1))
    candidate = make_record(tmp_path / "candidate", calls=calls(1, answered=False), failures=[failure])
    comparison = compare(SPEC, control, candidate)
    assert comparison.verdict.status is Status.FAIL
    assert "was not asked again" in comparison.verdict.reasons[0]
    (root,) = [mismatch for mismatch in comparison.mismatches if not mismatch.follows]
    assert (root.layer, root.kind) == (Layer.CONVERSATION, Kind.REPEATED)
