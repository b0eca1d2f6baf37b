"""Noise: what differs between control and candidate no more often than between control and control.

Each field is tested by Fisher's exact test, and all fields that are tested together by the procedure of
Tarone and Holm (R. E. Tarone, A Modified Bonferroni Method for Discrete Data, 1990, made stepwise): fields
that differ so seldom that they could never be significant do not make it harder for the others. Nor do those
that differ in the very same pairs, such as all that follows from one failure: they are one test, and which
ones they are does not depend on which pairs were made with the candidate. The tests take pairs to be
independent: no run belongs to two of them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

__all__ = [
    "ALPHA",
    "FISHER",
    "NEVER_IN_CONTROL",
    "FieldCounts",
    "FieldJudgement",
    "FieldPairs",
    "judge_by_pairs",
    "judge_fields",
    "repeats_needed",
]

ALPHA = 0.05
"""How probable it may be that any field is wrongly called a mismatch."""

FISHER = "Fisher's exact test, one-sided, Tarone-Holm"
NEVER_IN_CONTROL = "none: the control never differs from itself"

F = TypeVar("F", bound=Hashable)

# Quotients that are equal may differ by as much.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """In how many pairs a field differed: of control and candidate (ab), and of control and control (aa)."""

    k_ab: int
    n_ab: int
    k_aa: int
    n_aa: int

    def __post_init__(self) -> None:
        if not (0 <= self.k_ab <= self.n_ab and 0 <= self.k_aa <= self.n_aa):
            raise ValueError(f"more pairs differ than there are: {self}")


@dataclass(frozen=True, slots=True)
class FieldPairs:
    """In which pairs a field differed: of control and candidate (ab), and of control and control (aa)."""

    ab: tuple[bool, ...]
    aa: tuple[bool, ...]

    @property
    def counts(self) -> FieldCounts:
        """In how many it did."""
        return FieldCounts(sum(self.ab), len(self.ab), sum(self.aa), len(self.aa))


class FieldJudgement(BaseModel):
    """What the counts of one field say of it.

    *Undecided* is what the number of pairs could not have shown, however often the field had differed.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["mismatch", "noise", "undecided"]
    rate_ab: float
    rate_aa: float
    """Of pairs in which it differed; 0 where there was no pair."""
    test: str
    p: float
    """How often chance alone makes it differ at least so much more between control and candidate."""
    limit: float
    """The greatest p that is taken for a mismatch, with all the fields that were tested together."""


def judge_by_pairs(
    fields: Mapping[F, FieldPairs], *, alpha: float = ALPHA, deterministic: bool = False
) -> dict[F, FieldJudgement]:
    """Every field as by `judge_fields`, those that differ in the same pairs as one."""
    patterns = {pairs: pairs.counts for pairs in fields.values()}
    judged = judge_fields(patterns, alpha=alpha, deterministic=deterministic)
    return {field: judged[pairs] for field, pairs in fields.items()}


def judge_fields(
    fields: Mapping[F, FieldCounts], *, alpha: float = ALPHA, deterministic: bool = False
) -> dict[F, FieldJudgement]:
    """Every field, in the order given, as a mismatch, as noise or undecided.

    That any field is wrongly called a mismatch has at most the probability `alpha`. Where the model is
    `deterministic`, a field in which the control never differs from itself is a mismatch without a test.
    """
    certain = {field for field, n in fields.items() if deterministic and n.k_ab and not n.k_aa}
    tested = {field: counts for field, counts in fields.items() if field not in certain}
    found, left, divisor = _rejected(tested, alpha)
    least = Counter(_least_p(counts) for counts in left.values())
    judgements = {}
    for field, counts in fields.items():
        kind: Literal["mismatch", "noise", "undecided"] = "noise"
        limit = alpha / divisor
        if field in certain or field in found:
            kind = "mismatch"
            limit = 1.0 if field in certain else alpha / found[field]
        elif not _could_be_found(counts, least, alpha):
            kind = "undecided"
        judgements[field] = FieldJudgement(
            kind=kind,
            rate_ab=counts.k_ab / counts.n_ab if counts.n_ab else 0.0,
            rate_aa=counts.k_aa / counts.n_aa if counts.n_aa else 0.0,
            test=NEVER_IN_CONTROL if field in certain else FISHER,
            p=_fisher_p(counts),
            limit=limit,
        )
    return judgements


def repeats_needed(fields: int = 1, *, alpha: float = ALPHA) -> int:
    """The fewest pairs of each sort that decide on `fields`, each differing always or never."""
    return next(n for n in count(1) if _at_most(_never_and_always_p(n, n), alpha / fields))


def _rejected(
    fields: Mapping[F, FieldCounts], alpha: float
) -> tuple[dict[F, int], dict[F, FieldCounts], int]:
    """The mismatches, each with what alpha was divided by for it; the others, and the divisor for them."""
    found: dict[F, int] = {}
    left = dict(fields)
    while True:
        divisor = _divisor(Counter(_least_p(counts) for counts in left.values()), alpha)
        more = [field for field, counts in left.items() if _at_most(_fisher_p(counts), alpha / divisor)]
        if not more:
            return found, left, divisor
        for field in more:
            found[field] = divisor
            del left[field]


def _divisor(least: Mapping[float, int], alpha: float) -> int:
    """The smallest k for which no more than k fields can reach alpha / k at all, by their least p."""

    def enough(k: int) -> bool:
        return sum(fields for p, fields in least.items() if _at_most(p, alpha / k)) <= k

    divisors = range(1, max(sum(least.values()), 1) + 1)
    return divisors[bisect_left(divisors, True, key=enough)]


def _could_be_found(counts: FieldCounts, least: Mapping[float, int], alpha: float) -> bool:
    """Whether the field would have been significant, had it always differed and in the control never."""
    best_p = _never_and_always_p(counts.n_ab, counts.n_aa)
    others = Counter(least)
    others[_least_p(counts)] -= 1
    others[best_p] += 1
    return _at_most(best_p, alpha / _divisor(others, alpha))


def _fisher_p(counts: FieldCounts) -> float:
    """The probability that so many or more of all the pairs that differ are pairs with the candidate."""
    differ = counts.k_ab + counts.k_aa
    return _p_of(counts, range(counts.k_ab, min(differ, counts.n_ab) + 1))


def _least_p(counts: FieldCounts) -> float:
    """The p if as many as possible of the pairs that differ were pairs with the candidate."""
    return _p_of(counts, [min(counts.k_ab + counts.k_aa, counts.n_ab)])


def _never_and_always_p(n_ab: int, n_aa: int) -> float:
    return _least_p(FieldCounts(n_ab, n_ab, 0, n_aa))


def _p_of(counts: FieldCounts, ks_ab: Sequence[int]) -> float:
    # Whole numbers: exact, and without the second that scipy takes to load.
    differ = counts.k_ab + counts.k_aa
    ways = sum(math.comb(counts.n_ab, k) * math.comb(counts.n_aa, differ - k) for k in ks_ab)
    return ways / math.comb(counts.n_ab + counts.n_aa, differ)


def _at_most(p: float, limit: float) -> bool:
    return p <= limit * (1 + _ROUNDING)
