"""What benchmarks found: ratios, which are judged, and figures, which are only shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, computed_field

__all__ = ["Figure", "Key", "Ratio", "Results"]

Values = Annotated[tuple[FiniteFloat, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Key:
    """What makes two ratios of two runs the same one."""

    scenario: str
    case: str
    subject: str
    over: str

    def __str__(self) -> str:
        return f"{self.scenario}, {self.case}: {self.subject} over {self.over}"


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True)

    scenario: str
    case: str
    """The row: "5 modules, 4 slots"."""
    subject: str
    """Who was measured."""
    x: FiniteFloat | None = None
    """The size of the case, where cases of one scenario are points of a curve."""


class Ratio(_Found):
    """Ratios of one subject in one case, one for each round of a run, and the promise for their median."""

    over: str
    """Of what they are ratios."""
    values: Values
    at_most: FiniteFloat | None = None
    at_least: FiniteFloat | None = None
    compared: bool = True
    """Whether it is held against a baseline."""

    @property
    def key(self) -> Key:
        return Key(self.scenario, self.case, self.subject, self.over)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    @property
    def higher_is_better(self) -> bool:
        return self.at_least is not None

    @property
    def promise(self) -> str:
        """What is promised, in words; empty where nothing is."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return "" if self.at_least is None else f"at least {self.at_least:g}"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def kept(self) -> bool | None:
        """Whether the median is within the promise; None where nothing is promised."""
        if self.at_most is not None:
            return self.median <= self.at_most
        return None if self.at_least is None else self.median >= self.at_least


class Figure(_Found):
    """A number that is shown and stored and never judged."""

    value: FiniteFloat
    unit: str


class Results:
    """What the benchmarks of one session found, in the order in which they said it.

    `ValueError` where a number is none, or a ratio was given before: what cannot be judged must not pass
    unseen.
    """

    def __init__(self, tell: Callable[[Ratio | Figure], None] = lambda _: None) -> None:
        self._tell = tell
        self._ratios: dict[Key, Ratio] = {}
        self._figures: list[Figure] = []

    def ratio(
        self,
        scenario: str,
        case: str,
        subject: str,
        values: Sequence[float],
        *,
        over: str,
        at_most: float | None = None,
        at_least: float | None = None,
        x: float | None = None,
        compared: bool = True,
    ) -> None:
        """Ratios of one subject in one case, one for each round of this run.

        `over` says of what they are ("lower bound", "list schedule", "FIFO", "the floor", ...). Lower is
        better unless `at_least` is given. Their median is judged by at_most or at_least, the promise. With
        `x`, a size, cases of one scenario and subject are points of a curve. Only ratios are compared with a
        baseline, but for those that are over a bound in seconds, which another hour of the same machine keeps
        by another margin: `compared=False`.
        """
        key = Key(scenario, case, subject, over)
        if not values:
            raise ValueError(f"{key}: no ratios")
        if not all(map(math.isfinite, values)):
            raise ValueError(f"{key}: a ratio is no number: {list(values)}")
        if at_most is not None and at_least is not None:
            raise ValueError(f"{key}: promise at_most or at_least, as one of them says what is better")
        if key in self._ratios:
            raise ValueError(f"{key}: given before")
        ratio = Ratio(
            scenario=scenario,
            case=case,
            subject=subject,
            x=x,
            over=over,
            values=tuple(values),
            at_most=at_most,
            at_least=at_least,
            compared=compared,
        )
        self._ratios[key] = ratio
        self._tell(ratio)

    def figure(
        self, scenario: str, case: str, subject: str, value: float, unit: str, *, x: float | None = None
    ) -> None:
        """A number that is shown and stored and never judged: seconds, MB, builds/s."""
        if not math.isfinite(value):
            raise ValueError(f"{scenario}, {case}: {subject}: no number of {unit}: {value}")
        figure = Figure(scenario=scenario, case=case, subject=subject, x=x, value=value, unit=unit)
        self._figures.append(figure)
        self._tell(figure)

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        return tuple(self._ratios.values())

    @property
    def figures(self) -> tuple[Figure, ...]:
        return tuple(self._figures)
