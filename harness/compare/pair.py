"""A pair of runs, compared, as one of several that are judged together."""

from __future__ import annotations

from dataclasses import dataclass

from harness.compare.comparison import Comparison, compare
from harness.compare.expectations import Expectation, check_expectations
from harness.compare.mismatch import Kind
from harness.compare.qualities import RunQuality, qualities_of
from harness.compare.terms import EXACT, Terms
from harness.compare.verdict import Status, Verdict, by_quality, judge
from harness.record import OutcomeStatus, RunRecord
from harness.spec import Expectations, Spec

__all__ = ["Compared", "ComparedWithItself", "compare_pair", "compare_with_itself", "is_cut_short"]


@dataclass(frozen=True, slots=True)
class Compared:
    """A control and a candidate; `speedup` is what the spec expects of it, judged by this pair alone."""

    comparison: Comparison
    speedup: Expectation | None
    but_mismatches: Verdict
    """The verdict that the pair would have if nothing differed."""
    control: RunQuality | None
    """How the control's run turned out; None where that says nothing of it."""
    candidate: RunQuality | None
    first: str
    """The side that ran first."""
    load: float
    """The machine's load average over the minute before the pair began."""
    warm_up: bool


@dataclass(frozen=True, slots=True)
class ComparedWithItself:
    """Two runs of the control; neither of them belongs to another pair."""

    comparison: Comparison
    runs: tuple[RunQuality | None, RunQuality | None]


def compare_pair(
    spec: Spec,
    control: RunRecord,
    candidate: RunRecord,
    terms: Terms = EXACT,
    *,
    first: str,
    load: float,
    warm_up: bool = False,
) -> Compared:
    """Compare one pair of several: everything is judged but the speed-up, which takes all of them."""
    bare = spec.model_copy(update={"expect": spec.expect.model_copy(update={"min_speedup": None})})
    comparison = compare(bare, control, candidate, terms)
    found = [m for layer in comparison.layers for m in (*layer.mismatches, *layer.uncounted)]
    same_answers = all(mismatch.kind is not Kind.ANSWER_DRIFT for mismatch in found)
    judged = check_expectations(spec, control, candidate, same_answers=same_answers)
    incomplete = [layer.incomplete for layer in comparison.layers if layer.incomplete]
    return Compared(
        comparison=comparison,
        speedup=next((expectation for expectation in judged if expectation.key == "min_speedup"), None),
        but_mismatches=judge(
            control, candidate, (), comparison.expectations, incomplete=incomplete, terms=terms
        ),
        control=qualities_of(control),
        candidate=qualities_of(candidate),
        first=first,
        load=load,
        warm_up=warm_up,
    )


def compare_with_itself(
    spec: Spec, control: RunRecord, another: RunRecord, terms: Terms = EXACT
) -> ComparedWithItself:
    """Compare two runs of the control; `another` stands where a candidate would."""
    bare = spec.model_copy(update={"expect": Expectations()})
    return ComparedWithItself(
        compare(bare, control, another, terms), (qualities_of(control), qualities_of(another))
    )


def is_cut_short(comparison: Comparison, terms: Terms) -> bool:
    """Whether a run of the pair failed where that is a matter of quality: then it shows no mismatch."""
    sides = (comparison.control, comparison.candidate)
    return (
        by_quality(terms, comparison.model)
        and comparison.verdict.status is not Status.ERROR
        and any(side.outcome.status is OutcomeStatus.FAILED for side in sides)
    )
