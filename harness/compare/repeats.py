"""Repeats: the same two engines compared on the same spec several times, and what that says together.

A mismatch in one pair is a mismatch, in the warm-up too: a regression that shows now and then is one. The
warm-up's times are not counted, as what it loads is loaded for those after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.compare.comparison import Comparison, Pair, Repeats, compare
from harness.compare.expectations import Expectation, ExpectationStatus, check_expectations
from harness.compare.mismatch import Kind
from harness.compare.speedup import SpeedupEstimate, estimate_speedup, judge_speedup, more_pairs_needed
from harness.compare.verdict import Status, Verdict, badness, worst
from harness.record import OutcomeStatus, RunRecord
from harness.spec import Spec

__all__ = ["Compared", "compare_pair", "together"]

_STATUSES = {
    "met": ExpectationStatus.MET,
    "unmet": ExpectationStatus.UNMET,
    "inconclusive": ExpectationStatus.INCONCLUSIVE,
}
_VERDICTS = {ExpectationStatus.UNMET: Status.FAIL, ExpectationStatus.INCONCLUSIVE: Status.INCONCLUSIVE}


@dataclass(frozen=True, slots=True)
class Compared:
    """One pair of runs, compared; `speedup` is what the spec expects of it, judged by this pair alone."""

    comparison: Comparison
    speedup: Expectation | None
    first: str
    """The side that ran first."""
    load: float
    """The machine's load average over the minute before the pair began."""


def compare_pair(
    spec: Spec, control: RunRecord, candidate: RunRecord, *, first: str, load: float
) -> Compared:
    """Compare one pair of several: everything is judged but the speed-up, which takes all of them."""
    bare = spec.model_copy(update={"expect": spec.expect.model_copy(update={"min_speedup": None})})
    comparison = compare(bare, control, candidate)
    same_answers = all(mismatch.kind is not Kind.ANSWER_DRIFT for mismatch in comparison.mismatches)
    judged = check_expectations(spec, control, candidate, same_answers=same_answers)
    speedup = next((expectation for expectation in judged if expectation.key == "min_speedup"), None)
    return Compared(comparison, speedup, first, load)


def together(spec: Spec, compared: Sequence[Compared]) -> Comparison:
    """What all pairs say together, shown by the worst of them; the first is the warm-up.

    The speed-up that `spec` expects is held against the interval: met where its lower end is above, not met
    where its upper end is below, inconclusive between.
    """
    shown = max(compared, key=lambda pair: badness(pair.comparison.verdict.status)).comparison
    timed = [_walls(pair.comparison) for pair in compared[1:] if _counts(pair.comparison)]
    estimate = estimate_speedup(timed) if timed else None
    speedup = _judged(spec, compared, estimate)
    expectations = shown.expectations if speedup is None else (*shown.expectations, speedup)
    return shown.model_copy(
        update={
            "speedup": estimate.speedup if estimate else shown.speedup,
            "expectations": expectations,
            "repeats": Repeats(pairs=_pairs(compared), speedup=estimate),
            "verdict": _verdict(shown, compared, speedup),
        }
    )


def _judged(spec: Spec, compared: Sequence[Compared], estimate: SpeedupEstimate | None) -> Expectation | None:
    least = spec.expect.min_speedup
    if least is None:
        return None
    unjudged = [p.speedup for p in compared if p.speedup and p.speedup.status is ExpectationStatus.NOT_JUDGED]
    if unjudged:
        return unjudged[0]
    if estimate is None:
        sentence = f"speed-up of at least {least:g}: no pair has times that count"
        return Expectation(key="min_speedup", status=ExpectationStatus.NOT_JUDGED, sentence=sentence)
    sentence = f"speed-up {estimate}; at least {least:g} expected{_more(estimate, least)}"
    return Expectation(key="min_speedup", status=_STATUSES[judge_speedup(estimate, least)], sentence=sentence)


def _more(estimate: SpeedupEstimate, least: float) -> str:
    """How many more pairs would tell, where these do not, as the end of a sentence."""
    more = more_pairs_needed(estimate, least)
    if more is None:
        return "; the two are too near for any number of pairs to tell"
    return f"; about {more} more pair{'' if more == 1 else 's'} would tell" if more else ""


def _verdict(shown: Comparison, compared: Sequence[Compared], speedup: Expectation | None) -> Verdict:
    status = _VERDICTS.get(speedup.status, Status.PASS) if speedup else Status.PASS
    found = shown.verdict
    alike = sum(pair.comparison.verdict.status is found.status for pair in compared)
    among = f"{found.reasons[0]} (so in {alike} of {len(compared)} pairs)"
    reasons = (among, *found.reasons[1:])
    if speedup is None or status is Status.PASS:
        return Verdict(status=found.status, reasons=reasons)
    if found.status is Status.PASS or worst([found.status, status]) is not found.status:
        return Verdict(status=status, reasons=(speedup.sentence, *reasons))
    return Verdict(status=found.status, reasons=(*reasons, speedup.sentence))


def _pairs(compared: Sequence[Compared]) -> tuple[Pair, ...]:
    pairs = []
    for place, pair in enumerate(compared):
        control_s, candidate_s = _walls(pair.comparison)
        pairs.append(
            Pair(
                control=pair.comparison.control.run,
                candidate=pair.comparison.candidate.run,
                first=pair.first,
                control_wall_s=control_s,
                candidate_wall_s=candidate_s,
                warm_up=place == 0,
                timed=place > 0 and _counts(pair.comparison),
                load=pair.load,
                status=pair.comparison.verdict.status,
                mismatches=len(pair.comparison.mismatches),
            )
        )
    return tuple(pairs)


def _walls(comparison: Comparison) -> tuple[float, float]:
    return comparison.control.timing.wall_s, comparison.candidate.timing.wall_s


def _counts(comparison: Comparison) -> bool:
    """Whether both runs of a pair came to their end, so that their times say something."""
    sides = (comparison.control, comparison.candidate)
    ended = all(side.outcome.status is not OutcomeStatus.FAILED for side in sides)
    return ended and all(wall_s > 0 for wall_s in _walls(comparison))
