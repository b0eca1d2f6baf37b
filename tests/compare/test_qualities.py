"""Qualities: what a run shows of itself, and no run that failed is left out of any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from harness.compare.qualities import (
    Quality,
    RunQuality,
    judge_qualities,
    over_all,
    qualities_of,
    verdict_on_quality,
)
from harness.compare.quality import QualityJudgement
from harness.compare.verdict import Status
from harness.record import BehaviourRecord, RunRecord, TestResult
from tests.compare.records import BOARD, FILES, board, make_failure, make_record

WHOLE = {
    **FILES,
    "users.py": "def find():\n    return []\n",
    "cart.py": (
        "from flask import Blueprint\n\nblueprint = Blueprint('cart', __name__)\n\n"
        "def add(item: str):\n    pass\n\ndef total():\n    return 0\n\ndef clear():\n    pass\n\n"
        "@blueprint.get('/cart')\ndef show():\n    return ''\n"
    ),
}
GOOD = RunQuality(False, {Quality.FINISHED: True, Quality.COMPILES: True})
FAILED = RunQuality(True, {Quality.FINISHED: False})


def good(record: RunRecord) -> dict[str, bool]:
    found = qualities_of(record)
    assert found is not None
    return {quality.value: good for quality, good in found.good.items()}


def judged(control: list[RunQuality], candidate: list[RunQuality]) -> dict[str, QualityJudgement]:
    return {found.quality: found for found in judge_qualities(control, candidate, margin=0.1)}


def test_a_whole_project_is_good_in_all_that_was_looked_at(tmp_path: Path) -> None:
    """It was not executed, so nothing is said of how it starts."""
    record = make_record(tmp_path, files=WHOLE)
    assert good(record) == {"finished": True, "compiles": True, "API complete": True}


@pytest.mark.parametrize(
    ("changed", "bad"),
    [
        ({"cart.py": WHOLE["cart.py"].replace("def total()", "def total(currency)")}, "API complete"),
        ({"cart.py": WHOLE["cart.py"].replace("'/cart'", "'/basket'")}, "API complete"),
        ({"cart.py": WHOLE["cart.py"].replace("def clear():\n    pass\n", "")}, "API complete"),
        ({"main.py": "import (\n"}, "compiles"),
        ({"main.py": "return\n"}, "compiles"),
    ],
)
def test_what_the_sources_lack_is_seen(changed: dict[str, str], bad: str, tmp_path: Path) -> None:
    found = good(make_record(tmp_path, files={**WHOLE, **changed}))
    assert [quality for quality, fine in found.items() if not fine] == [bad]


def test_a_module_without_its_file_has_no_complete_api(tmp_path: Path) -> None:
    files = {path: source for path, source in WHOLE.items() if path != "users.py"}
    assert good(make_record(tmp_path, files=files))["API complete"] is False


def test_no_python_file_compiles_nothing(tmp_path: Path) -> None:
    assert good(make_record(tmp_path, files={"a.txt": "a"}))["compiles"] is False


@pytest.mark.parametrize(
    "registry", [{}, {"Cart": "add, total and clear"}, {"Cart": {"functions": [{"signature": "???"}]}}]
)
def test_of_an_api_that_another_factory_wrote_in_its_own_way_nothing_is_said(
    registry: dict[str, Any], tmp_path: Path
) -> None:
    record = make_record(tmp_path, files=WHOLE, blackboard=board(api_registry=registry))
    assert "API complete" not in good(record)


def test_what_is_broken_has_not_finished_well(tmp_path: Path) -> None:
    assert good(make_record(tmp_path, files=WHOLE, defects=["a.py is empty"]))["finished"] is False


@pytest.mark.parametrize(
    ("tests", "passed"),
    [
        (["passed", "skipped"], {"tests pass": True}),
        (["passed", "failed"], {"tests pass": False}),
        (["passed", "error"], {"tests pass": False}),
        (["skipped"], {"tests pass": False}),
        ([], {}),
    ],
)
def test_tests_pass_where_one_does_and_none_does_not(
    tests: list[str], passed: dict[str, bool], tmp_path: Path
) -> None:
    results = tuple(TestResult(name=f"t{n}", outcome=outcome) for n, outcome in enumerate(tests))
    behaviour = BehaviourRecord(sandbox="namespaces", started=False, tests=results)
    made = make_record(tmp_path, files=WHOLE)
    record = RunRecord(made.summary, made.calls, made.events, made.blackboard, made.folder, behaviour)
    found = good(record)
    assert found.pop("starts") is False
    assert {key: found[key] for key in found if key == "tests pass"} == passed


@pytest.mark.parametrize("cause", [Cause.MODEL, Cause.STATE])
def test_a_run_that_the_surroundings_failed_says_nothing(cause: Cause, tmp_path: Path) -> None:
    assert qualities_of(make_record(tmp_path, failures=[make_failure(cause)])) is None


@pytest.mark.parametrize("cause", [Cause.ANSWER, Cause.ENGINE, Cause.DEADLINE])
def test_a_run_that_failed_by_itself_is_bad_in_everything_that_others_are_good_in(
    cause: Cause, tmp_path: Path
) -> None:
    failed = qualities_of(make_record(tmp_path, failures=[make_failure(cause)], blackboard=BOARD))
    assert failed is not None
    found = judged([GOOD] * 3, [GOOD, failed])
    assert {key: (j.candidate.good, j.candidate.runs) for key, j in found.items()} == {
        "finished": (1, 2),
        "compiles": (1, 2),
    }


def test_a_side_that_always_failed_is_seen_in_what_the_other_shows() -> None:
    """Else it would not be judged in what it never came to."""
    assert judged([GOOD], [FAILED, FAILED])["compiles"].candidate.runs == 2


def test_what_only_one_side_can_show_is_not_judged() -> None:
    """An engine that leaves no blackboard has no API that could be complete."""
    more = RunQuality(False, {**GOOD.good, Quality.API_COMPLETE: True})
    assert "API complete" not in judged([GOOD], [more])
    assert "API complete" in judged([more], [more])


def test_too_few_runs_are_inconclusive_and_say_how_many_more_tell() -> None:
    found = judge_qualities([GOOD] * 3, [GOOD] * 3, margin=0.1)
    verdict = verdict_on_quality(found, repeat=3)
    assert verdict.status is Status.INCONCLUSIVE
    more = found[0].more_runs
    assert more is not None
    assert f"about {more} more runs of each would tell (--repeat {3 + more})" in verdict.reasons[0]
    enough = judge_qualities([GOOD] * (3 + more), [GOOD] * (3 + more), margin=0.1)
    assert verdict_on_quality(enough).status is Status.PASS


def test_a_candidate_that_is_worse_by_more_than_the_margin_fails() -> None:
    verdict = verdict_on_quality(judge_qualities([GOOD] * 30, [GOOD] * 10 + [FAILED] * 20, margin=0.1))
    assert verdict.status is Status.FAIL
    assert verdict.reasons[0].startswith("finished: 10 of 30 runs of the candidate and 30 of 30 runs of the")
    assert "down to -0.10 is allowed" in verdict.reasons[0]


def test_as_bad_as_a_control_that_is_never_good_is_no_pass() -> None:
    """However many runs there are."""
    found = judge_qualities([FAILED] * 200, [FAILED] * 200, margin=0.1)
    assert found[0].kind == "passed"
    assert verdict_on_quality(found).status is Status.INCONCLUSIVE


def test_no_runs_are_no_pass() -> None:
    assert verdict_on_quality(judge_qualities([], [], margin=0.1)).status is Status.INCONCLUSIVE


def test_the_runs_of_all_specs_count_together() -> None:
    one = judge_qualities([GOOD] * 20, [GOOD] * 19 + [FAILED], margin=0.1)
    pooled = over_all([one, one, one], margin=0.1)
    assert [(j.control.runs, j.candidate.good, j.candidate.runs) for j in pooled] == [(60, 57, 60)] * 2
    assert one[0].kind == "inconclusive"
    assert pooled == judge_qualities([GOOD] * 60, [GOOD] * 57 + [FAILED] * 3, margin=0.1)
