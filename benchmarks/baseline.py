"""Ratios beside those of a baseline: which worsened, or improved, by more than their noise."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import comb, inf
from statistics import median

from pydantic import BaseModel, ConfigDict

from benchmarks.results import Key, Ratio

__all__ = ["Change", "Compared", "Comparison", "change", "compare"]

SIGNIFICANCE = 0.01
"""Of the one-sided Mann-Whitney U test."""
LEAST_ROUNDS = 4
"""On each side, for that test."""
LEAST_CHANGE = 0.02
"""What the medians differ by at least, of the baseline's: less is of no concern, however sure."""
SINGLE_ROUND_CHANGE = 0.25
"""What counts as noise where one side has a single round, which says nothing of its own: as much as two runs
of the same on one machine were seen to differ."""


class Change(StrEnum):
    WORSENED = "worsened"
    IMPROVED = "improved"
    NOISE = "noise"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Comparison(_Model):
    """One ratio that is in both."""

    key: Key
    before: float
    """Medians."""
    now: float
    change: Change

    def __str__(self) -> str:
        return f"{self.key}: {self.now:.4g}, was {self.before:.4g}"


class Compared(_Model):
    """All ratios of a session beside a baseline."""

    baseline: str
    """The file."""
    both: tuple[Comparison, ...]
    gone: tuple[Key, ...]
    """In the baseline and not measured, of scenarios of which something was measured."""
    unmeasured: tuple[str, ...]
    """Scenarios of the baseline of which nothing was measured."""
    new: tuple[Key, ...]
    """Measured, and not in the baseline."""

    def changed(self, change: Change) -> tuple[Comparison, ...]:
        return tuple(each for each in self.both if each.change is change)


def compare(baseline: str, before: Sequence[Ratio], now: Sequence[Ratio]) -> Compared:
    """Each ratio of `now` beside the one of the same key in `before`."""
    known = {ratio.key: ratio for ratio in before if ratio.compared}
    measured = {ratio.key: ratio for ratio in now if ratio.compared}
    scenarios = {key.scenario for key in measured}
    missing = [key for key in known if key not in measured]
    return Compared(
        baseline=baseline,
        both=tuple(
            Comparison(key=key, before=known[key].median, now=ratio.median, change=change(known[key], ratio))
            for key, ratio in measured.items()
            if key in known
        ),
        gone=tuple(key for key in missing if key.scenario in scenarios),
        unmeasured=tuple(dict.fromkeys(key.scenario for key in missing if key.scenario not in scenarios)),
        new=tuple(key for key in measured if key not in known),
    )


def change(before: Ratio, now: Ratio) -> Change:
    """Whether `now` is worse or better than `before` by more than the noise of both."""
    # Turned round where higher is better: a higher number is always the worse one.
    sign = -1 if now.higher_is_better else 1
    old, new = ([sign * value for value in ratio.values] for ratio in (before, now))
    by = _share(sign * (now.median - before.median), before.median)
    if _beyond_noise(old, new, by):
        return Change.WORSENED
    # Better is worse the other way round.
    if _beyond_noise([-value for value in old], [-value for value in new], -by):
        return Change.IMPROVED
    return Change.NOISE


def _share(difference: float, whole: float) -> float:
    if whole:
        return difference / abs(whole)
    return inf * difference if difference else 0.0


def _beyond_noise(old: Sequence[float], new: Sequence[float], by: float) -> bool:
    """Whether `new` is higher than `old` by more than their noise; its median is, by the share `by`."""
    if by <= LEAST_CHANGE:
        return False
    fewest = min(len(old), len(new))
    if fewest >= LEAST_ROUNDS and comb(len(old) + len(new), len(old)) * SIGNIFICANCE > 1:
        # Dear to load, and not needed without a baseline.
        from scipy.stats import mannwhitneyu

        return bool(mannwhitneyu(new, old, alternative="greater").pvalue < SIGNIFICANCE)
    if fewest == 1:
        return by > SINGLE_ROUND_CHANGE
    spreads = sum(max(values) - min(values) for values in (old, new))
    return median(new) - max(old) > spreads
