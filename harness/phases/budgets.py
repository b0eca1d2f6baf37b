"""The budgets of a step that was taken, held against what was seen since.

What can happen by chance is judged by an interval and not by a count, so that nothing flaps: a budget is
spent where what was seen shows it, and what was seen before the flags moved shows nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.compare import Status
from harness.compare.speedup import LEAST_PAIRS, estimate_speedup
from harness.compare.terms import Policy
from harness.evidence import Evidence
from harness.gates.budgets import Budgets

__all__ = ["Budgets", "spent_budgets", "spent_on_state"]

_CONFIDENCE = 0.95
_LEAST_BUILDS = 20
"""Fewer say little of a rate, and one that is looked at again and again is once above by chance."""
_BY_CHANCE = 0.001
"""Surroundings that fail do so for either engine: ten times for the same one only is hardly chance."""


def spent_budgets(
    evidence: Sequence[Evidence], budgets: Budgets, policy: Policy = Policy.EXACT
) -> Iterator[str]:
    """A sentence for each budget that `evidence`, the oldest first, has spent: value, limit and test."""
    # A build that was compared is told of twice: as served, and as compared.
    builds = {e.candidate or e.id: e for e in evidence if e.status is not Status.ERROR}
    failures = [e.candidate_failed and not e.control_failed for e in builds.values()]
    row = 0
    for failed in reversed(failures):
        if not failed:
            break
        row += 1
    if row >= budgets.consecutive_errors:
        yield f"{row} builds in a row failed in async only; {budgets.consecutive_errors} are the limit"
    lowest = _least_rate(sum(failures), len(failures))
    if lowest > budgets.error_rate:
        yield (
            f"{sum(failures)} of {len(failures)} builds failed in async only: at least {lowest:.1%} with "
            f"{_CONFIDENCE:.0%} confidence, and {budgets.error_rate:.1%} are borne"
        )
    yield from _by_surroundings(evidence)
    exact = policy is Policy.EXACT
    differing = [e for e in evidence if e.status is Status.FAIL and (e.mismatches if exact else e.breaking)]
    if len(differing) > budgets.mismatches:
        pairs = f"{len(differing)} pair{'' if len(differing) == 1 else 's'}"
        yield f"{pairs} differed, and {budgets.mismatches} are borne; the last: {differing[-1].reason}"
    yield from spent_on_state([not (e.drifted or e.caught_up is False) for e in evidence], budgets)
    yield from _too_slow(evidence, budgets)


def spent_on_state(equal: Sequence[bool], budgets: Budgets) -> Iterator[str]:
    """A sentence where too many builds have left something else in Redis than in their blackboard."""
    drifted = len(equal) - sum(equal)
    if drifted > budgets.drift:
        builds = f"{drifted} build{'' if drifted == 1 else 's'}"
        yield f"{builds} left something else in Redis than was written, and {budgets.drift} are borne"


def _least_rate(failures: int, builds: int) -> float:
    if not failures or builds < _LEAST_BUILDS:
        return 0.0
    from scipy import stats

    tail = stats.binomtest(failures, builds, alternative="greater")
    return float(tail.proportion_ci(_CONFIDENCE, method="exact").low)


def _by_surroundings(evidence: Sequence[Evidence]) -> Iterator[str]:
    """What the surroundings did says nothing of an engine, unless they do it to the same one every time."""
    excused = [e for e in evidence if e.status is Status.ERROR and e.candidate_failed != e.control_failed]
    alone = sum(e.candidate_failed for e in excused)
    if 2 * alone <= len(excused):
        return
    from scipy import stats

    chance = float(stats.binomtest(alone, len(excused), alternative="greater").pvalue)
    if chance < _BY_CHANCE:
        yield (
            f"{alone} builds failed by the surroundings in async only, and {len(excused) - alone} in legacy "
            f"only: that is no chance (sign test, p = {chance:.1g}, limit {_BY_CHANCE:g})"
        )


def _too_slow(evidence: Sequence[Evidence], budgets: Budgets) -> Iterator[str]:
    timed = [
        (e.control_wall_s, e.candidate_wall_s) for e in evidence if e.control_wall_s and e.candidate_wall_s
    ]
    if len(timed) < LEAST_PAIRS:
        return
    estimate = estimate_speedup(timed)
    if estimate.high < budgets.least_speedup:
        yield f"speed-up {estimate}; {budgets.least_speedup:g} is the least that is borne"
