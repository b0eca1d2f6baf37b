"""A gate: each criterion of a step, passed, failed or inconclusive; it is open where all are passed.

Nothing is passed by no data: where there is not enough, a criterion is inconclusive, and says how much more
it needs. A gate that waits for a person goes on judging the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from harness.compare.speedup import estimate_speedup, judge_speedup, more_pairs_needed
from harness.compare.terms import Policy
from harness.compare.verdict import Status
from harness.engines.composition import parse_engine
from harness.evidence import Evidence, EvidenceKind
from harness.flags import Step
from harness.gates.criteria import Criteria
from harness.gates.sifting import Sifted
from harness.gates.step_engines import StepEngines

__all__ = ["CriterionLine", "CriterionStatus", "Gate", "judge_gate"]

CONFIDENCE = 0.95


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class CriterionStatus(StrEnum):
    """What came of a criterion."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    """There is not enough evidence to tell."""


class CriterionLine(_Facts):
    """One criterion as it stands."""

    name: str
    status: CriterionStatus
    value: str
    """What was found."""
    limit: str
    """What was asked for."""
    test: str
    """How it was held against the limit."""
    evidence: tuple[str, ...] = ()
    """The ids of what speaks against it or, where nothing does, of all that was gone by."""
    more_runs: int = 0
    """How many more pairs of runs it takes to tell."""


class Gate(_Facts):
    """A step's gate as it stands."""

    step: str
    phase: int
    control: str
    candidate: str
    lines: tuple[CriterionLine, ...]
    refused: tuple[tuple[str, int], ...] = ()
    """Why so many pieces of evidence were not counted."""
    to_do: tuple[str, ...] = ()
    """What would bring the evidence that is missing: commands to paste, or sentences."""

    @property
    def open(self) -> bool:
        """Whether the step may be taken."""
        return bool(self.lines) and all(line.status is CriterionStatus.PASSED for line in self.lines)

    @property
    def evidence(self) -> tuple[str, ...]:
        """The ids of all that the gate went by."""
        return tuple(dict.fromkeys(found for line in self.lines for found in line.evidence))


def judge_gate(
    step: Step,
    engines: StepEngines,
    criteria: Criteria,
    sifted: Sifted,
    *,
    approved_by: str | None = None,
    watermark: CriterionLine | None = None,
    to_do: Sequence[str] = (),
) -> Gate:
    """Hold the `sifted` evidence against the `criteria` of `step`.

    `watermark` is how far mirrors have followed, where the step moves the read side; `to_do` is what brings
    more evidence, given where any is missing.
    """
    # What could not be judged says nothing, neither for nor against.
    counted = [e for e in sifted.counted if e.status in (Status.PASS, Status.FAIL)]
    # What fell back has a budget of its own, and what was compared is among the pairs.
    compared = {e.candidate for e in counted}
    served = [e for e in sifted.served if e.kind is EvidenceKind.SERVED and e.candidate not in compared]
    lines = [
        _amount("specs", len({e.spec for e in counted}), criteria.specs, counted),
        _amount("runs", len(counted), criteria.runs, counted),
        _mismatches(counted, criteria, unjudged=len(sifted.counted) - len(counted)),
        _errors([*counted, *served], sifted.counted, criteria),
        *_error_rate([*counted, *served], criteria),
        *_drift(sifted.counted, criteria, engines),
        *_speedup(counted, criteria, engines),
        _fallbacks(counted, sifted, criteria),
        *_suite("load test", EvidenceKind.LOAD_TEST, sifted, wanted=criteria.load_test),
        *_suite("seeded regressions", EvidenceKind.SUITE, sifted, wanted=criteria.seeded_suite),
        *([watermark] if watermark else []),
        *_approval(criteria, approved_by),
    ]
    missing = any(line.more_runs or line.status is CriterionStatus.INCONCLUSIVE for line in lines)
    return Gate(
        step=str(step),
        phase=step.phase.number,
        control=engines.control,
        candidate=engines.candidate,
        lines=tuple(lines),
        refused=sifted.refused,
        to_do=tuple(to_do) if missing else (),
    )


def _amount(name: str, found: int, least: int, counted: Sequence[Evidence]) -> CriterionLine:
    enough = found >= least
    return CriterionLine(
        name=name,
        status=CriterionStatus.PASSED if enough else CriterionStatus.INCONCLUSIVE,
        value=str(found),
        limit=f"at least {least}",
        test="counted",
        evidence=tuple(e.id for e in counted),
        more_runs=max(least - found, 0),
    )


def _mismatches(counted: Sequence[Evidence], criteria: Criteria, *, unjudged: int) -> CriterionLine:
    exact = criteria.policy is Policy.EXACT
    differing = [e for e in counted if (e.mismatches if exact else e.breaking)]
    line = _budget("mismatches", differing, criteria.mismatches, counted)
    beside = f"; {unjudged} more could not be judged" if unjudged else ""
    return line.model_copy(
        update={"value": f"{line.value}{beside}", "test": f"pairs that differ, policy {criteria.policy}"}
    )


def _errors(counted: Sequence[Evidence], pairs: Sequence[Evidence], criteria: Criteria) -> CriterionLine:
    failed = [e for e in counted if e.candidate_failed and not e.control_failed]
    line = _budget("errors", failed, criteria.errors, counted)
    line = line.model_copy(update={"test": "runs that failed in the candidate only"})
    # By what it says of its surroundings; but the control had the same ones, and did not fail.
    excused = [
        place
        for place, e in enumerate(pairs)
        if e.status is Status.ERROR and e.candidate_failed and not e.control_failed
    ]
    judged = {e.id for e in counted}
    since = sum(e.id in judged for e in pairs[excused[-1] :]) if excused else criteria.runs
    if line.status is not CriterionStatus.PASSED or since >= criteria.runs:
        return line
    more = criteria.runs - since
    return line.model_copy(
        update={
            "status": CriterionStatus.INCONCLUSIVE,
            "value": f"{line.value}; {len(excused)} more by its surroundings, the last {since} runs ago",
            "evidence": tuple(pairs[place].id for place in excused),
            "more_runs": more,
        }
    )


def _error_rate(counted: Sequence[Evidence], criteria: Criteria) -> Iterator[CriterionLine]:
    limit = criteria.error_rate
    if limit is None:
        return
    from scipy import stats

    failed = [e for e in counted if e.candidate_failed and not e.control_failed]

    def upper(failures: int, runs: int) -> float:
        if not runs:
            return 1.0
        tail = stats.binomtest(failures, runs, alternative="less")
        return float(tail.proportion_ci(CONFIDENCE, method="exact").high)

    def lower(failures: int, runs: int) -> float:
        if not runs:
            return 0.0
        tail = stats.binomtest(failures, runs, alternative="greater")
        return float(tail.proportion_ci(CONFIDENCE, method="exact").low)

    runs = len(counted)
    highest, lowest = upper(len(failed), runs), lower(len(failed), runs)
    status = CriterionStatus.INCONCLUSIVE
    if highest < limit:
        status = CriterionStatus.PASSED
    elif lowest > limit:
        status = CriterionStatus.FAILED
    more = 0
    if status is CriterionStatus.INCONCLUSIVE:
        more = next((n for n in range(1, 10_000) if upper(len(failed), runs + n) < limit), 0)
    yield CriterionLine(
        name="error rate",
        status=status,
        value=f"{len(failed)} of {runs}, at most {highest:.1%}",
        limit=f"below {limit:.1%}",
        test=f"Clopper-Pearson, {CONFIDENCE:.0%} confidence, one-sided",
        evidence=tuple(e.id for e in failed or counted),
        more_runs=more,
    )


def _drift(pairs: Sequence[Evidence], criteria: Criteria, engines: StepEngines) -> Iterator[CriterionLine]:
    if parse_engine(engines.candidate).state_store != "mirror":
        return
    # Of equal runs with a mirror that stayed behind the verdict is open, which says enough of the mirror.
    judged = (Status.PASS, Status.FAIL, Status.INCONCLUSIVE)
    mirrored = [e for e in pairs if e.drifted is not None and e.status in judged]
    drifted = [e for e in mirrored if e.drifted or not e.caught_up]
    line = _budget("drift", drifted, criteria.drift, mirrored)
    yield line.model_copy(update={"test": "mirrors that were not equal at the end"})


def _speedup(
    counted: Sequence[Evidence], criteria: Criteria, engines: StepEngines
) -> Iterator[CriterionLine]:
    least = criteria.min_speedup
    if least is None or not parse_engine(engines.candidate).concurrent:
        return
    timed = [
        (e.control_wall_s, e.candidate_wall_s)
        for e in counted
        if e.control_wall_s and e.candidate_wall_s and e.slots != 1
    ]
    ids = tuple(e.id for e in counted)
    limit, test = f"at least {least:g}", "lower end of the interval over all pairs"
    if not timed:
        yield CriterionLine(
            name="speed-up",
            status=CriterionStatus.INCONCLUSIVE,
            value="no pair has times that count",
            limit=limit,
            test=test,
            more_runs=criteria.runs,
        )
        return
    estimate = estimate_speedup(timed)
    judged = judge_speedup(estimate, least)
    yield CriterionLine(
        name="speed-up",
        status={
            "met": CriterionStatus.PASSED,
            "unmet": CriterionStatus.FAILED,
            "inconclusive": CriterionStatus.INCONCLUSIVE,
        }[judged],
        value=str(estimate),
        limit=limit,
        test=test,
        evidence=ids,
        more_runs=more_pairs_needed(estimate, least) or 0,
    )


def _fallbacks(counted: Sequence[Evidence], sifted: Sifted, criteria: Criteria) -> CriterionLine:
    fallbacks = [e for e in sifted.served if e.kind is EvidenceKind.FALLBACK]
    line = _budget("fallbacks", fallbacks, criteria.fallbacks, [*counted, *sifted.served])
    return line.model_copy(update={"test": "builds that fell back to legacy"})


def _suite(name: str, kind: EvidenceKind, sifted: Sifted, *, wanted: bool) -> Iterator[CriterionLine]:
    if not wanted:
        return
    last = next((e for e in reversed(sifted.suites) if e.kind is kind), None)
    status = CriterionStatus.INCONCLUSIVE
    if last is not None:
        status = CriterionStatus.PASSED if last.status is Status.PASS else CriterionStatus.FAILED
    yield CriterionLine(
        name=name,
        status=status,
        value=last.reason if last else "not run with this code",
        limit="passed",
        test="the last run that counts",
        evidence=(last.id,) if last else (),
    )


def _approval(criteria: Criteria, approved_by: str | None) -> Iterator[CriterionLine]:
    if criteria.approval:
        yield CriterionLine(
            name="approval",
            status=CriterionStatus.PASSED if approved_by else CriterionStatus.INCONCLUSIVE,
            value=f"by {approved_by}" if approved_by else "nobody has approved it",
            limit="by a person",
            test="harness phase approve",
        )


def _budget(name: str, spent: Sequence[Evidence], budget: int, judged: Sequence[Evidence]) -> CriterionLine:
    """A criterion of what may happen so often and no more; without anything to judge nothing is known."""
    status = CriterionStatus.PASSED if judged else CriterionStatus.INCONCLUSIVE
    if len(spent) > budget:
        status = CriterionStatus.FAILED
    return CriterionLine(
        name=name,
        status=status,
        value=f"{len(spent)} of {len(judged)}",
        limit=f"at most {budget}",
        test="counted",
        evidence=tuple(e.id for e in spent or judged),
        more_runs=0 if judged else 1,
    )
