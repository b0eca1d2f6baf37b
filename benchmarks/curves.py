"""Ratios over size as curves: which belong together, and where everything is drawn."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.report import Report
from benchmarks.results import Ratio

__all__ = ["HEIGHT", "WIDTH", "Chart", "Line", "Mark", "Point", "charts"]

WIDTH, HEIGHT = 480.0, 290.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 14.0, 12.0, 30.0
COLOURS = 8
_LOG_FROM = 8.0
"""Of the highest value to the lowest: from here on a linear axis shows the highest alone."""
_LEAST_GAP = 34.0
"""Between two labels of the axis, in the units of the drawing."""
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)

Axis = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Point:
    """The median of one ratio, with the rounds from the lowest to the highest."""

    x: float
    y: float
    low: float
    high: float
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class Line:
    """One subject over all sizes."""

    subject: str
    colour: int
    points: tuple[Point, ...]
    promise: tuple[tuple[float, float], ...]
    """Where its promises lie."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on an axis and what stands there."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The curves of one scenario whose cases differ in nothing but the size."""

    scenario: str
    over: str
    size: str
    """What the cases have in common: what the size counts, and all else."""
    lines: tuple[Line, ...]
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]
    one: float
    """Where the ratio is 1."""


def charts(report: Report) -> tuple[Chart, ...]:
    """All that can be drawn: ratios with a size, of which there are two at least."""
    colours: dict[str, int] = {}
    together: defaultdict[tuple[str, str, str], list[Ratio]] = defaultdict(list)
    words: dict[str, str] = {}
    for ratio in report.ratios:
        if ratio.x is not None and ratio.x > 0:
            colours.setdefault(ratio.subject, len(colours) % COLOURS)
            common = _without_size(ratio.case, ratio.x)
            # One slot and two slots are one thing.
            kind = re.sub(r"s\b", "", common)
            words[kind] = max(words.get(kind, ""), common, key=len)
            together[ratio.scenario, ratio.over, kind].append(ratio)
    return tuple(
        _chart(scenario, over, words[kind], ratios, colours)
        for (scenario, over, kind), ratios in together.items()
        if len({ratio.x for ratio in ratios}) > 1
    )


def _without_size(case: str, size: float) -> str:
    """`case` without its size: "500 modules, chains" of 500 is "modules, chains"."""
    pattern = rf"(?<![\d.,])(?:{size:g}|{size:,g}|{size:.0f}|{size:,.0f})(?![\d]|[.,]\d)\s*"
    rest, found = re.subn(pattern, "", case, count=1)
    return rest if found else ""


def _chart(scenario: str, over: str, size: str, ratios: Sequence[Ratio], colours: dict[str, int]) -> Chart:
    sizes = sorted({ratio.x for ratio in ratios if ratio.x is not None})
    across = _log(sizes[0], sizes[-1], LEFT + 12, WIDTH - RIGHT - 12)
    limits = [limit for ratio in ratios for limit in (ratio.at_most, ratio.at_least) if limit is not None]
    values = [1.0, *limits, *(value for ratio in ratios for value in (ratio.low, ratio.high))]
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > _LOG_FROM
    pad = 0.0 if logarithmic else 0.06 * (high - low or 1.0)
    up = (_log if logarithmic else _linear)(low - pad, high + pad, HEIGHT - BOTTOM, TOP)
    steps = _powers(low, high) if logarithmic else _round_steps(low - pad, high + pad)
    subjects = dict.fromkeys(ratio.subject for ratio in ratios)
    return Chart(
        scenario=scenario,
        over=over,
        size=size,
        lines=tuple(
            _line(subject, [ratio for ratio in ratios if ratio.subject == subject], colours, across, up)
            for subject in subjects
        ),
        x_marks=_apart([Mark(across(x), f"{x:,g}" if x < 1e6 else f"{x:g}") for x in sizes]),
        y_marks=tuple(Mark(up(value), f"{value:g}") for value in steps),
        one=up(1.0),
    )


def _line(subject: str, ratios: Sequence[Ratio], colours: dict[str, int], across: Axis, up: Axis) -> Line:
    ordered = sorted((ratio.x, place, ratio) for place, ratio in enumerate(ratios) if ratio.x is not None)
    limits = [
        (across(x), up(limit))
        for x, _, ratio in ordered
        for limit in (ratio.at_most, ratio.at_least)
        if limit is not None
    ]
    return Line(
        subject=subject,
        colour=colours[subject],
        points=tuple(
            Point(across(x), up(ratio.median), up(ratio.low), up(ratio.high), ratio)
            for x, _, ratio in ordered
        ),
        promise=tuple(limits),
    )


def _linear(low: float, high: float, begin: float, end: float) -> Axis:
    span = high - low or 1.0
    return lambda value: round(begin + (value - low) / span * (end - begin), 1)


def _log(low: float, high: float, begin: float, end: float) -> Axis:
    line = _linear(math.log(low), math.log(high), begin, end)
    return lambda value: line(math.log(value))


def _round_steps(low: float, high: float) -> list[float]:
    """About five round numbers."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in _STEPS if factor * power >= rough)
    first = math.ceil(low / step)
    return [round(number * step, 10) for number in range(first, math.floor(high / step) + 1)]


def _powers(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten, or its powers alone where those are many."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(exponents) <= 4 else (1,)
    steps = [float(f"{factor}e{exponent}") for exponent in exponents for factor in factors]
    return [step for step in steps if low <= step <= high]


def _apart(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    """Those whose labels do not touch, the last one always."""
    kept: list[Mark] = []
    for mark in reversed(marks):
        if not kept or kept[-1].at - mark.at >= _LEAST_GAP:
            kept.append(mark)
    return tuple(reversed(kept))
