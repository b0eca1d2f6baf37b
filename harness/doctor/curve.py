"""The pace of a model as a curve: how fast an answer is generated while so many others are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

from harness.doctor.burst import Pace
from harness.doctor.workload import PlannedCall

__all__ = ["Beyond", "Choice", "PaceCurve", "curve_of"]

Choice = Callable[[Sequence[float]], float]


class Beyond(Enum):
    """What is taken for more answers at once than were measured."""

    TREND = "trend"
    """They slow down on as they did between the last two numbers that were measured: the best to expect."""
    SHARED = "shared"
    """They share what came out in all: nothing is gained any more."""


@dataclass(frozen=True, slots=True)
class PaceCurve:
    """Paces of rising numbers of answers at once; between two of them it is a straight line."""

    points: tuple[Pace, ...]
    prompt_token_s: float
    """For each token of a prompt beyond a short one, with one call alone."""

    def at(self, at_once: int, beyond: Beyond = Beyond.TREND) -> Pace:
        """The pace with so many answers at once; `beyond` says by how much they slow down past the last."""
        last = self.points[-1]
        if at_once >= last.at_once:
            return self._past(at_once, beyond)
        above = next(place for place, point in enumerate(self.points) if point.at_once >= at_once)
        high = self.points[above]
        low = self.points[above - 1] if above else high
        share = (at_once - low.at_once) / (high.at_once - low.at_once) if high is not low else 1.0
        return Pace(
            at_once,
            *(
                start + share * (end - start)
                for start, end in (
                    (low.ttft_s, high.ttft_s),
                    (low.token_s, high.token_s),
                    (low.tail_s, high.tail_s),
                )
            ),
        )

    def _past(self, at_once: int, beyond: Beyond) -> Pace:
        last, before = self.points[-1], self.points[max(len(self.points) - 2, 0)]
        shared = at_once / last.at_once
        factor = shared
        if beyond is Beyond.TREND:
            step = max(last.at_once - before.at_once, 1)
            slower = max(last.token_s - before.token_s, 0.0) / step / last.token_s if last.token_s else 0.0
            factor = min(1 + slower * (at_once - last.at_once), shared)
        return Pace(at_once, last.ttft_s * factor, last.token_s * factor, last.tail_s * factor)

    def duration_s(self, call: PlannedCall, at_once: int, beyond: Beyond = Beyond.TREND) -> float:
        """How long `call` takes if all the while so many answers are generated."""
        pace = self.at(at_once, beyond)
        alone = self.points[0]
        # Prompts share the processor as answers do.
        slower = pace.token_s / alone.token_s if alone.token_s else 1.0
        prompt_s = call.prompt_tokens * self.prompt_token_s * max(slower, 1.0)
        return pace.ttft_s + prompt_s + max(call.output_tokens - 1, 0) * pace.token_s + pace.tail_s


def curve_of(
    rounds: Sequence[Sequence[Pace]], prompt_token_s: float | None, choose: Choice = median
) -> PaceCurve:
    """The curve through what `choose` makes of the rounds of each number at once."""
    points = [
        Pace(
            paces[0].at_once,
            choose([pace.ttft_s for pace in paces]),
            choose([pace.token_s for pace in paces]),
            choose([pace.tail_s for pace in paces]),
        )
        for paces in rounds
    ]
    return PaceCurve(tuple(points), prompt_token_s or 0.0)
