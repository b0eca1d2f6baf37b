"""A sample of the campaign, and that it draws what it says and counts everything that is no PASS."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.compare import Status, compare
from harness.compare.verdict import Verdict
from harness.errors import SurroundingsError
from tests.campaigns import equal_engines, judging
from tests.campaigns.case import ENGINES, EXTERNAL, Case, draw_case
from tests.campaigns.judging import Judged
from tests.compare.records import make_call, make_record

pytestmark = pytest.mark.usefixtures("forked_processes")

SAMPLE = (28, 145)
"""Of seed 2: async against itself, and phase 1 against async, where calls end in another order."""
CASES = [draw_case(1, number) for number in range(1, 201)]


async def test_a_sample_of_equal_engines_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Set by the campaign, and taken back at the end of this test.
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    cases = [draw_case(2, number, most_modules=3) for number in SAMPLE]
    judged = await equal_engines.judge_all(cases, tmp_path, jobs=2)
    assert [found.lines() for found in judged if not found.passed] == []
    assert judged[-1].reordered
    assert int(os.environ["PYTHONHASHSEED"]) in {s.hash_seed for c in cases for s in (c.control, c.candidate)}
    # Equal because they did the work, not because nothing was compared.
    runs = list((tmp_path / "runs").iterdir())
    assert len(runs) == 2 * len(cases)
    assert all((run / "files" / "main.py").stat().st_size for run in runs)


def test_a_case_is_the_same_whatever_is_run_before_it() -> None:
    assert CASES[6] == draw_case(1, 7)
    assert CASES[6] != draw_case(2, 7)
    assert len({case.spec.model_dump_json(exclude={"name"}) for case in CASES}) == len(CASES)


def _of_strangers(case: Case) -> bool:
    return EXTERNAL in (case.control.engine, case.candidate.engine)


def test_the_cases_cover_what_the_campaign_is_about() -> None:
    every = {*ENGINES, EXTERNAL}
    assert {case.control.engine for case in CASES} == {case.candidate.engine for case in CASES} == every
    assert all(case.control.engine == case.candidate.engine for case in CASES if _of_strangers(case))
    assert {case.slots for case in CASES} == {*range(1, 17)}
    assert {len(case.spec.modules) for case in CASES} == {*range(9)}
    assert 20 < sum(case.control.engine == case.candidate.engine for case in CASES) < 100
    assert 80 < sum(case.candidate_first for case in CASES) < 120
    assert 5 <= sum(map(_of_strangers, CASES)) <= 20
    assert 20 < sum(bool(case.faults) for case in CASES) < 60
    jitters = [case.simulated.jitter for case in CASES]
    assert min(jitters) < 0.1
    assert max(jitters) > 0.9
    assert len({side.hash_seed for case in CASES for side in (case.control, case.candidate)}) == 400
    # Nothing is asked of times, which are not what is looked at.
    assert all(case.spec.expect.min_speedup is None for case in CASES)


def test_only_a_pass_without_mismatches_has_passed(tmp_path: Path) -> None:
    spec = CASES[0].spec
    control = make_record(tmp_path / "a")
    equal = compare(spec, control, make_record(tmp_path / "b"))
    differs = compare(spec, control, make_record(tmp_path / "c", calls=[make_call("analyst", None)]))
    judged = Judged(CASES[0], 1.0, equal)
    assert judged.passed
    assert len(judged.lines()) == 1
    assert not replace(judged, comparison=differs).passed
    for status in Status:
        told = equal.model_copy(update={"verdict": Verdict(status=status, reasons=("because",))})
        assert replace(judged, comparison=told).passed == (status is Status.PASS)
    assert not replace(judged, comparison=equal.model_copy(update={"layers": differs.layers})).passed
    said = "\n".join(replace(judged, comparison=differs).lines())
    assert "FAIL" in said
    assert "again: --seed 1 --first 1 --count 1" in said


@pytest.mark.parametrize("error", [SurroundingsError("no Redis"), KeyError("a bug of the harness")])
def test_a_comparison_that_could_not_be_made_has_not_passed(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_session(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(judging, "open_session", no_session)
    assert equal_engines.main(["--count", "2", "--seed", "3", "--first", "5"]) == 1
    said = capsys.readouterr().out
    assert f"{type(error).__name__}: " in said
    assert "2 comparisons: 2 NO VERDICT" in said
    assert said.endswith("not passed: 5, 6\n")
