"""A burst: calls of equal length that were sent at once, and what their times tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, median_high

from harness.doctor.probe import Answer, Refused

__all__ = ["Burst", "Pace", "generated_at_once", "sent_at_once"]

_HANDED_OVER = 0.1
"""By which share of its length an answer may seem to overlap with the one that takes over its slot."""
_FEWEST_PIECES = 2
"""In how many pieces an answer must come for its pace to be seen: with a first token and a last one."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one of `at_once` answers is generated, while so many are; all in seconds."""

    at_once: int
    ttft_s: float
    """From the slot to the first token, of a short prompt."""
    token_s: float
    """Between one token and the next."""
    tail_s: float
    """From the last token to the end of the answer."""


@dataclass(frozen=True, slots=True)
class Burst:
    """`at_once` calls sent in one moment: the answers in the order of their first tokens, and the rest."""

    at_once: int
    answers: tuple[Answer, ...]
    refused: tuple[Refused, ...]
    lead_s: float = 0.0
    """How long before its first token an answer surely had its slot: its prompt was being read."""

    @property
    def duration_s(self) -> float:
        """From the first request to the end of the last answer."""
        if not self.answers:
            return 0.0
        return max(a.end_s for a in self.answers) - min(a.sent_s for a in self.answers)

    @property
    def tokens_per_s(self) -> float:
        """What came out in all, waiting for the first token included."""
        return sum(a.tokens for a in self.answers) / self.duration_s if self.duration_s else 0.0

    @property
    def streams(self) -> bool:
        """Whether the answers came piece by piece, so that it can be seen when each was worked on."""
        return bool(self.answers) and median(a.pieces for a in self.answers) >= _FEWEST_PIECES

    @property
    def generating(self) -> int:
        """The most answers that were worked on in one moment: what had no slot began after another's end."""
        # An end sorts before a begin in the same moment.
        edges = sorted(
            edge
            for a in self.answers
            for edge in ((a.first_s - self.lead_s, 1), (a.last_s - _HANDED_OVER * (a.last_s - a.first_s), -1))
        )
        most = now = 0
        for _, step in edges:
            now += step
            most = max(most, now)
        return most

    def pace(self, slots: int) -> Pace:
        """The pace of the answers that did not wait for one of `slots`."""
        first = self.answers[:slots]
        return Pace(
            min(self.at_once, slots),
            ttft_s=median(a.first_s - a.sent_s for a in first),
            token_s=median((a.last_s - a.first_s) / max(a.tokens - 1, 1) for a in first),
            tail_s=median(a.end_s - a.last_s for a in first),
        )


def generated_at_once(bursts: Sequence[Burst]) -> int:
    """How many of the calls of bursts of one size were worked on at once.

    Neither one burst that a busy machine tore apart nor one that it pushed together decides.
    """
    return median_high(burst.generating for burst in bursts)


def sent_at_once(results: Sequence[Answer | Refused], lead_s: float = 0.0) -> Burst:
    """The burst of these results; a prompt is surely being read for `lead_s` before the first token."""
    answers = [result for result in results if isinstance(result, Answer)]
    refused = tuple(result for result in results if isinstance(result, Refused))
    return Burst(len(results), tuple(sorted(answers, key=lambda a: a.first_s)), refused, lead_s)
