"""Several specs together: quality is judged over all of them, what differs in each by itself."""

from __future__ import annotations

from pathlib import Path

from agents.conversation import Cause
from harness.compare import Comparison, Status
from harness.compare.all_specs import judge_all_specs
from harness.compare.pair import compare_pair
from harness.compare.repeats import together
from harness.compare.terms import Policy, Terms
from harness.record import ModelFacts
from harness.spec import Spec
from tests.compare.records import FILES, board, make_failure, make_record

CONTRACT = Terms(Policy.CONTRACT, margin=0.3)
LIVE = ModelFacts(kind="ollama", name="m")
SPECS = 3
PAIRS = 5
# Without what an architect would have specified: these files hold nothing of it.
BOARD = board(api_registry={})


def comparisons(tmp_path: Path, *, failing: int = 0, lost: int | None = None) -> list[Comparison]:
    """One for each spec; of each the candidate fails so many runs, and of spec `lost` it loses a file."""
    found = []
    for number in range(SPECS):
        spec = Spec(name=f"shop{number}", idea="a shop")
        pairs = []
        for pair in range(PAIRS):
            control = make_record(tmp_path / f"control{number}-{pair}", model=LIVE, blackboard=BOARD)
            failures = [make_failure(Cause.ANSWER)] if pair < failing else []
            files = {path: text for path, text in FILES.items() if number != lost or path != "cart.py"}
            candidate = make_record(
                tmp_path / f"candidate{number}-{pair}",
                model=LIVE,
                blackboard=BOARD,
                files=files,
                failures=failures,
            )
            pairs.append(compare_pair(spec, control, candidate, CONTRACT, first="control", load=0.0))
        found.append(together(spec, pairs, (), CONTRACT))
    return found


def finished(comparison: Comparison) -> tuple[int, int]:
    tally = next(judged for judged in comparison.quality_over_all if judged.quality == "finished").candidate
    return tally.good, tally.runs


def test_runs_that_are_too_few_for_each_spec_can_be_enough_together(tmp_path: Path) -> None:
    alone = comparisons(tmp_path)
    assert {comparison.verdict.status for comparison in alone} == {Status.INCONCLUSIVE}
    judged = judge_all_specs(alone, margin=0.3, repeat=PAIRS)
    assert {comparison.verdict.status for comparison in judged} == {Status.PASS}
    assert {finished(comparison) for comparison in judged} == {(SPECS * PAIRS, SPECS * PAIRS)}
    assert {len(comparison.quality) for comparison in judged} == {len(judged[0].quality_over_all)}


def test_a_candidate_that_fails_too_often_over_all_fails_everywhere(tmp_path: Path) -> None:
    alone = comparisons(tmp_path, failing=4)
    judged = judge_all_specs(alone, margin=0.3, repeat=PAIRS)
    assert {comparison.verdict.status for comparison in judged} == {Status.FAIL}
    reason = "over 3 specs, finished: 3 of 15 runs of the candidate and 15 of 15 runs of the control"
    assert all(comparison.verdict.reasons[0].startswith(reason) for comparison in judged)


def test_what_breaks_in_one_spec_fails_that_one(tmp_path: Path) -> None:
    judged = judge_all_specs(comparisons(tmp_path, lost=2), margin=0.3, repeat=PAIRS)
    failed = [comparison.spec for comparison in judged if comparison.verdict.status is Status.FAIL]
    assert failed == ["shop2"]


def test_the_runs_that_are_lacking_are_shared_by_the_specs(tmp_path: Path) -> None:
    judged = judge_all_specs(comparisons(tmp_path)[:2], margin=0.3, repeat=PAIRS)
    more = next(quality.more_runs for quality in judged[0].quality_over_all)
    assert judged[0].verdict.status is Status.INCONCLUSIVE
    assert more
    assert f"(--repeat {PAIRS + (more + 1) // 2})" in judged[0].verdict.reasons[0]


def test_one_spec_and_those_without_quality_stay_as_they_are(tmp_path: Path) -> None:
    one = comparisons(tmp_path)[:1]
    assert judge_all_specs(one, margin=0.3) == tuple(one)
    plain = [one[0].model_copy(update={"verdict_but_quality": None})] * 2
    assert judge_all_specs(plain, margin=0.3) == tuple(plain)
