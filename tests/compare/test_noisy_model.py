"""Both engines over a model that never says the same again: no cry of wolf, and what is broken is found."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pytest

from agents.conversation import ModelRequest
from harness.compare import Comparison, Kind, Layer, Severity, Status
from harness.compare.field import Field
from harness.compare.pair import compare_pair, compare_with_itself
from harness.compare.repeats import together
from harness.compare.terms import EXACT, Policy, Terms
from harness.record import ModelFacts, RunRecord
from tests.compare.breakages import BREAKAGES
from tests.compare.rehearsal import SHOP, Messages, Parts, ScriptedModel, rehearse_candidate, rehearse_control

PAIRS = 5
CONTRACT = Terms(Policy.CONTRACT)
LIVE = ModelFacts(kind="ollama", name="llama3.1")


class _Moody(ScriptedModel):
    """Remarks, notes and comments in other words every other time."""

    def __init__(self, seed: str) -> None:
        super().__init__()
        self._mood = random.Random(seed)  # noqa: S311 (no secret)

    def answer(self, request: ModelRequest, messages: Messages) -> str:
        said = super().answer(request, messages)
        mood = self._mood.choice(["", " happily", " sadly"])
        return re.sub(r"(planned|audited|designed|reviewed|written|optimized)(?= \w{8})", rf"\1{mood}", said)


class Runs:
    """Runs of both engines, each in a mood of its own; the control's are the same for all tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._controls = [self._control(f"control{number}") for number in range(3 * PAIRS)]
        self._candidates: dict[str, list[RunRecord]] = {}

    def together(self, breakage: str = "", terms: Terms = EXACT) -> Comparison:
        """A comparison in pairs, with as many pairs of two controls; the candidate has that `breakage`."""
        if breakage not in self._candidates:
            self._candidates[breakage] = [self._candidate(breakage, number) for number in range(PAIRS)]
        candidates = self._candidates[breakage]
        controls, ones, others = (self._controls[place::3] for place in range(3))
        pairs = [
            compare_pair(SHOP, *pair, terms, first="control", load=0.0)
            for pair in zip(controls, candidates, strict=True)
        ]
        beside = [compare_with_itself(SHOP, *pair, terms) for pair in zip(ones, others, strict=True)]
        return together(SHOP, pairs, beside, terms)

    def _control(self, name: str) -> RunRecord:
        return _live(rehearse_control(self._folder / name, model=_Moody(name)))

    def _candidate(self, breakage: str, number: int) -> RunRecord:
        parts = BREAKAGES[breakage].parts if breakage else Parts()
        name = f"candidate{number} {breakage}"
        return _live(rehearse_candidate(self._folder / name, parts=replace(parts, model=_Moody(name))))


def _live(record: RunRecord) -> RunRecord:
    return replace(record, summary=record.summary.model_copy(update={"model": LIVE}))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


def found(comparison: Comparison, kind: str) -> set[Field]:
    assert comparison.noise is not None
    return {
        Field(row.layer, row.kind, row.severity, row.path)
        for row in comparison.noise.fields
        if row.judgement.kind == kind
    }


@pytest.mark.parametrize("terms", [EXACT, CONTRACT], ids=lambda terms: terms.policy)
def test_equal_engines_do_not_fail(terms: Terms, runs: Runs) -> None:
    comparison = runs.together(terms=terms)
    assert comparison.verdict.status is (Status.PASS if terms is EXACT else Status.INCONCLUSIVE)
    assert found(comparison, "mismatch") == set()
    assert len(found(comparison, "noise")) > 50 or terms is CONTRACT
    assert all(judgement.kind == "inconclusive" for judgement in comparison.quality)


SWAPPED = Field(Layer.FILES, Kind.CHANGED, Severity.BREAKING, "users.py")


@pytest.mark.parametrize(
    ("breakage", "field"),
    [
        (
            "passes other options",
            Field(Layer.CONVERSATION, Kind.OPTIONS_DRIFT, Severity.MAJOR, "analyst#1"),
        ),
        ("swaps the code of two modules on disk", SWAPPED),
        ("breaks in one task", Field(Layer.OUTCOME, Kind.FAILED, Severity.BREAKING, "optimizer:Orders")),
    ],
)
def test_what_is_broken_is_found_among_the_noise(breakage: str, field: Field, runs: Runs) -> None:
    """A file that is another every time is noise; that it breaks its API is not. One failure that has a
    hundred consequences is found for all of them."""
    comparison = runs.together(breakage)
    assert comparison.verdict.status is Status.FAIL
    assert field in found(comparison, "mismatch")
    assert len(found(comparison, "noise")) > 50
    how_often = "in 5 of 5 pairs with the candidate and in 0 of 5 pairs of two controls"
    assert how_often in comparison.verdict.reasons[0]


def test_by_contract_what_is_broken_fails_and_other_words_are_no_matter(runs: Runs) -> None:
    comparison = runs.together("swaps the code of two modules on disk", CONTRACT)
    assert comparison.verdict.status is Status.FAIL
    assert SWAPPED in found(comparison, "mismatch")
    assert {mismatch.severity for mismatch in comparison.mismatches} == {Severity.BREAKING}
