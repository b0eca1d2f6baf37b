"""Several pairs together: no mismatch is lost among equal ones, and the speed-up is judged by all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from harness.compare import Comparison, Status
from harness.compare.expectations import ExpectationStatus
from harness.compare.pair import compare_pair
from harness.compare.repeats import together
from harness.spec import Spec
from tests.compare.records import FILES, make_call, make_failure, make_record

# As much generating on four slots as lets a candidate be fast.
CALLS = [make_call("analyst", None, end_s=1.0), make_call(number=2, granted_s=1.0, end_s=3.0)]


def judged(
    tmp_path: Path,
    walls: list[tuple[float, float]],
    least: float | None = 2.0,
    *,
    odd: int | None = None,
    changed: dict[str, Any] | None = None,
) -> Comparison:
    """The comparison of pairs with these walls, the first the warm-up; pair `odd` is `changed`."""
    expect = {} if least is None else {"min_speedup": least}
    spec = Spec.model_validate({"name": "shop", "idea": "a shop", "expect": expect})
    compared = []
    for number, (control_s, candidate_s) in enumerate(walls):
        other = changed or {} if number == odd else {}
        control = make_record(
            tmp_path / f"control{number}", engine="legacy", concurrent=False, wall_s=control_s, calls=CALLS
        )
        candidate = make_record(
            tmp_path / f"candidate{number}", **({"wall_s": candidate_s, "calls": CALLS} | other)
        )
        compared.append(
            compare_pair(spec, control, candidate, first="control", load=0.5, warm_up=number == 0)
        )
    return together(spec, compared)


def expectation(comparison: Comparison) -> ExpectationStatus:
    (found,) = [e for e in comparison.expectations if e.key == "min_speedup"]
    return found.status


def test_a_speed_up_whose_interval_is_above_the_limit_is_met(tmp_path: Path) -> None:
    comparison = judged(tmp_path, [(30.0, 10.0), *[(30.0, 10.0 + n / 10) for n in range(6)]])
    assert expectation(comparison) is ExpectationStatus.MET
    assert comparison.verdict.status is Status.PASS
    assert comparison.speedup == pytest.approx(30.0 / 10.25, rel=0.01)


def test_a_speed_up_whose_interval_is_below_the_limit_fails(tmp_path: Path) -> None:
    comparison = judged(tmp_path, [(30.0, 10.0), *[(15.0, 10.0 + n / 10) for n in range(6)]])
    assert comparison.verdict.status is Status.FAIL
    assert "at least 2 expected" in comparison.verdict.reasons[0]


def test_a_limit_within_the_interval_is_inconclusive(tmp_path: Path) -> None:
    """Though the speed-up itself is above it."""
    comparison = judged(
        tmp_path, [(30.0, 10.0), (20.0, 10.0), (26.0, 10.0), (19.0, 10.0), (24.0, 10.0), (18.0, 10.0)]
    )
    assert comparison.speedup > 2.0
    assert expectation(comparison) is ExpectationStatus.INCONCLUSIVE
    assert comparison.verdict.status is Status.INCONCLUSIVE


def test_the_warm_up_has_no_part_in_the_speed_up(tmp_path: Path) -> None:
    comparison = judged(tmp_path, [(30.0, 300.0), *[(30.0, 10.0)] * 5], least=None)
    assert comparison.speedup == pytest.approx(3.0)
    assert comparison.repeats is not None
    assert [pair.timed for pair in comparison.repeats.pairs] == [False, *[True] * 5]


@pytest.mark.parametrize("odd", [0, 2, 5])
def test_a_mismatch_in_one_pair_is_a_mismatch(tmp_path: Path, odd: int) -> None:
    """The warm-up's too, whatever the five others say."""
    changed = {"files": {**FILES, "cart.py": "CART = [1]\n"}}
    comparison = judged(tmp_path, [(30.0, 10.0)] * 6, odd=odd, changed=changed)
    assert comparison.verdict.status is Status.FAIL
    assert "cart.py" in comparison.verdict.reasons[0]
    assert "in 1 of 6 pairs" in comparison.verdict.reasons[0]
    assert comparison.repeats is not None
    assert [p.mismatches > 0 for p in comparison.repeats.pairs] == [n == odd for n in range(6)]


def test_a_mismatch_weighs_more_than_a_speed_up_that_is_not_known(tmp_path: Path) -> None:
    changed = {"files": {**FILES, "cart.py": "CART = [1]\n"}}
    walls = [(30.0, 10.0), (20.0, 10.0), (26.0, 10.0), (19.0, 10.0), (24.0, 10.0), (18.0, 10.0)]
    comparison = judged(tmp_path, walls, odd=1, changed=changed)
    assert comparison.verdict.status is Status.FAIL
    assert "cart.py" in comparison.verdict.reasons[0]
    assert "speed-up" in comparison.verdict.reasons[-1]


def test_a_failed_run_has_no_times_that_count(tmp_path: Path) -> None:
    failed = {"failures": [make_failure(Cause.ENGINE)], "wall_s": 0.1}
    comparison = judged(tmp_path, [(30.0, 10.0)] * 6, odd=3, changed=failed)
    assert comparison.repeats is not None
    assert comparison.repeats.pairs[3].timed is False
    assert comparison.speedup == pytest.approx(3.0)
    assert comparison.verdict.status is Status.FAIL
    # What it says of the others does not make up for the one that failed.
    assert expectation(comparison) is ExpectationStatus.NOT_JUDGED


def test_what_is_inconclusive_says_how_many_more_pairs_would_tell(tmp_path: Path) -> None:
    walls = [(30.0, 10.0), (20.0, 10.0), (26.0, 10.0), (19.0, 10.0), (24.0, 10.0), (18.0, 10.0)]
    reason = judged(tmp_path, walls).verdict.reasons[0]
    assert "95% confidence, 5 pairs" in reason
    assert "more pairs would tell" in reason


def test_an_allowance_is_not_called_a_confidence(tmp_path: Path) -> None:
    reason = judged(tmp_path, [(30.0, 10.0), (20.0, 10.0), (21.0, 10.0)]).verdict.reasons[0]
    assert "(allowed, not measured, 2 pairs)" in reason
    assert "confidence" not in reason
    assert "about 3 more pairs would tell" in reason
