"""Noise in a comparison: pairs of two controls say what is held against the candidate."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from harness.compare import Comparison, Noise, Severity, Status
from harness.compare.pair import compare_pair, compare_with_itself
from harness.compare.repeats import together
from harness.compare.terms import EXACT, Policy, Terms
from harness.record import ModelFacts, RunRecord
from harness.spec import Spec
from tests.compare.records import FILES, make_failure, make_record

SPEC = Spec(name="shop", idea="a shop")
CONTRACT = Terms(Policy.CONTRACT, margin=0.1)
LIVE = ModelFacts(kind="ollama", name="m")
SIMULATED = ModelFacts(kind="simulated", name="m")

Run = dict[str, Any]
SAME: Run = {}
NOISY: Run = {"files": {**FILES, "notes.txt": "now and then\n"}}
CHANGED: Run = {"files": {**FILES, "cart.py": "CART = [1]\n"}}
LOST: Run = {"files": {path: text for path, text in FILES.items() if path != "cart.py"}}
FAILED: Run = {"failures": [make_failure(Cause.ENGINE)]}
NO_MODEL: Run = {"failures": [make_failure(Cause.MODEL, "analyst", "gone")]}


def trial(
    tmp_path: Path,
    candidates: Sequence[Run],
    others: Sequence[Run],
    *,
    control: Run = SAME,
    model: ModelFacts = LIVE,
    terms: Terms = EXACT,
    warm_up: bool = False,
) -> Comparison:
    """What comes of `candidates` beside the control, and of `others`, which are controls, beside it.

    The first of the candidates is the `warm_up` where there is one.
    """
    numbers = itertools.count()

    def record(changed: Run) -> RunRecord:
        return make_record(tmp_path / f"run{next(numbers)}", **{"model": model, **changed})

    pairs = [
        compare_pair(
            SPEC,
            record(control),
            record(run),
            terms,
            first="control",
            load=0.0,
            warm_up=warm_up and place == 0,
        )
        for place, run in enumerate(candidates)
    ]
    beside = [compare_with_itself(SPEC, record(control), record(run), terms) for run in others]
    return together(SPEC, pairs, beside, terms)


def noise_of(comparison: Comparison) -> Noise:
    assert comparison.noise is not None
    return comparison.noise


def kinds(comparison: Comparison) -> dict[str, str]:
    return {field.path: field.judgement.kind for field in noise_of(comparison).fields}


def test_what_the_control_does_as_often_is_noise_and_passes(tmp_path: Path) -> None:
    """Listed with its rates, and in no layer any more."""
    comparison = trial(tmp_path, [NOISY, SAME, NOISY, SAME, NOISY], [SAME, NOISY, SAME, NOISY, SAME])
    assert kinds(comparison) == {"notes.txt": "noise"}
    (field,) = noise_of(comparison).fields
    assert (field.judgement.rate_ab, field.judgement.rate_aa) == (0.6, 0.4)
    assert comparison.verdict.status is Status.PASS
    assert comparison.verdict.reasons[0].startswith("1 field is noise, no more frequent with the candidate")
    assert comparison.mismatches == ()
    assert [m.path for layer in comparison.layers for m in layer.uncounted] == ["notes.txt"]


def test_a_true_mismatch_over_noise_fails_with_rates_test_p_and_limit(tmp_path: Path) -> None:
    both = {"files": {**CHANGED["files"], **NOISY["files"], "cart.py": "CART = [1]\n"}}
    comparison = trial(tmp_path, [CHANGED, both, both, CHANGED, both], [SAME, NOISY, NOISY, SAME, NOISY])
    assert kinds(comparison) == {"cart.py": "mismatch", "notes.txt": "noise"}
    assert comparison.verdict.status is Status.FAIL
    first, second = comparison.verdict.reasons
    assert "in 5 of 5 pairs with the candidate and in 0 of 5 pairs of two controls" in first
    assert "p 0.004, at most 0.025; Fisher's exact test" in first
    assert second.startswith("1 field is noise")
    assert [mismatch.path for mismatch in comparison.mismatches] == ["cart.py"]


def test_too_few_pairs_are_inconclusive_and_say_the_repeat_that_decides(tmp_path: Path) -> None:
    comparison = trial(tmp_path, [CHANGED], [SAME])
    assert kinds(comparison) == {"cart.py": "undecided"}
    assert comparison.verdict.status is Status.INCONCLUSIVE
    assert comparison.repeats is None
    more = noise_of(comparison).more_pairs
    assert more == 2
    assert "about 2 more of each would (--repeat 3)" in comparison.verdict.reasons[0]
    assert [mismatch.path for mismatch in comparison.mismatches] == ["cart.py"]
    enough = trial(tmp_path / "enough", [CHANGED] * 3, [SAME] * 3)
    assert enough.verdict.status is Status.FAIL


def test_noise_that_is_always_there_is_said_to_hide_what_it_may(tmp_path: Path) -> None:
    comparison = trial(tmp_path, [NOISY] * 5, [NOISY] * 5)
    assert comparison.verdict.status is Status.PASS
    assert "1 of them in every pair of two, where a mismatch would not show" in comparison.verdict.reasons[0]


def test_the_warm_up_is_no_part_of_it_where_answers_vary(tmp_path: Path) -> None:
    """It alone meets a cold model; where none is, a mismatch in it is one."""
    cold = trial(tmp_path / "live", [CHANGED] + [SAME] * 3, [SAME] * 3, warm_up=True)
    assert (noise_of(cold).ab_pairs, kinds(cold)) == (3, {})
    same = trial(tmp_path / "simulated", [CHANGED] + [SAME] * 3, [SAME] * 3, warm_up=True, model=SIMULATED)
    assert noise_of(same).ab_pairs == 4
    assert same.verdict.status is Status.FAIL
    assert "in 1 of 4 pairs with the candidate and in 0 of 3" in same.verdict.reasons[0]


def test_a_control_that_differs_from_itself_on_equal_answers_is_told(tmp_path: Path) -> None:
    runs = [NOISY, SAME, NOISY, SAME]
    comparison = trial(tmp_path, runs, runs, model=SIMULATED)
    assert comparison.verdict.status is Status.PASS
    assert comparison.verdict.reasons[0].startswith("the control differs from itself on equal answers: 1 ")


def test_equal_pairs_pass_and_say_how_many_there_were(tmp_path: Path) -> None:
    comparison = trial(tmp_path, [SAME] * 2, [SAME] * 2, model=SIMULATED)
    assert comparison.verdict.status is Status.PASS
    assert comparison.verdict.reasons[0].endswith("are equal (so in 2 of 2 pairs, and in 2 of two controls)")


@pytest.mark.parametrize("terms", [EXACT, CONTRACT])
def test_a_control_that_the_surroundings_failed_beside_itself_is_an_error(
    terms: Terms, tmp_path: Path
) -> None:
    comparison = trial(tmp_path, [SAME] * 3, [SAME, NO_MODEL, SAME], terms=terms)
    assert noise_of(comparison).aa_pairs == 2
    assert comparison.verdict.status is Status.ERROR
    assert comparison.verdict.reasons[0] == (
        "the control against itself, pair 2 of 3: a run failed at analyst: gone"
    )


def test_a_candidate_that_the_surroundings_failed_is_an_error_and_no_mismatch(tmp_path: Path) -> None:
    comparison = trial(tmp_path, [SAME, NO_MODEL, SAME, SAME], [SAME] * 4)
    assert (noise_of(comparison).ab_pairs, kinds(comparison)) == (3, {})
    assert comparison.verdict.status is Status.ERROR
    noisy = trial(tmp_path / "noisy", [NOISY, NO_MODEL, NOISY, SAME], [NOISY, SAME, NOISY, SAME])
    assert kinds(noisy) == {"notes.txt": "noise"}
    assert noisy.verdict.status is Status.ERROR


@pytest.mark.parametrize("terms", [EXACT, CONTRACT])
def test_two_that_are_never_whole_are_no_pass_though_they_differ_by_noise_alone(
    terms: Terms, tmp_path: Path
) -> None:
    def failed(number: int) -> Run:
        reason = f"no plan in answer {number}"
        return {"files": {}, "failures": [make_failure(Cause.ANSWER, "analyst", reason)]}

    runs = [failed(number) for number in range(1, 9)]
    comparison = trial(tmp_path, runs[:4], runs[4:], control=failed(0), terms=terms)
    assert "mismatch" not in kinds(comparison).values()
    assert comparison.verdict.status in (Status.ERROR, Status.INCONCLUSIVE)


def test_by_contract_only_what_breaks_is_tested_and_quality_is_judged(tmp_path: Path) -> None:
    comparison = trial(tmp_path, [CHANGED, LOST] + [LOST] * 5, [CHANGED] * 7, terms=CONTRACT)
    assert {field.severity for field in noise_of(comparison).fields} == {Severity.BREAKING}
    assert kinds(comparison)["cart.py"] == "mismatch"
    assert comparison.verdict.status is Status.FAIL
    assert "cart.py is missing" in comparison.verdict.reasons[0]
    by_name = {judgement.quality: judgement for judgement in comparison.quality}
    # The control's own pairs are runs of the control.
    assert (by_name["finished"].control.runs, by_name["finished"].candidate.runs) == (21, 7)


def test_by_contract_runs_that_fail_are_counted_and_not_compared(tmp_path: Path) -> None:
    comparison = trial(tmp_path, [SAME] * 2 + [FAILED] * 5, [SAME] * 7, terms=CONTRACT)
    assert (noise_of(comparison).ab_pairs, kinds(comparison)) == (2, {})
    finished = next(judgement for judgement in comparison.quality if judgement.quality == "finished")
    assert (finished.candidate.good, finished.candidate.runs, finished.kind) == (2, 7, "failed")
    assert comparison.verdict.status is Status.FAIL
    assert comparison.verdict.reasons[0].startswith("finished: 2 of 7 runs of the candidate and 21 of 21")


def test_by_contract_no_pair_that_came_to_its_end_is_no_pass(tmp_path: Path) -> None:
    comparison = trial(tmp_path, [FAILED] * 2, [SAME] * 2, terms=CONTRACT)
    assert comparison.verdict.status is Status.INCONCLUSIVE
    assert "no pair came to an end in which it could be compared" in comparison.verdict.reasons


def test_equal_runs_by_contract_are_inconclusive_until_there_are_enough_of_them(tmp_path: Path) -> None:
    few = trial(tmp_path, [SAME], [SAME], terms=CONTRACT)
    assert few.verdict.status is Status.INCONCLUSIVE
    assert few.verdict_but_quality is not None
    assert few.verdict_but_quality.status is Status.PASS
    assert "more runs of each would tell (--repeat" in few.verdict.reasons[0]
