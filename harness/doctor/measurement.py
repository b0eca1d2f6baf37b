"""What was measured of a server: how many answers it generates at once, and what that gains."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from pydantic import BaseModel, ConfigDict, computed_field

from harness.doctor.burst import Burst, Pace, generated_at_once

__all__ = ["Measurement", "Step", "step_of"]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class Step(_Facts):
    """What came of `at_once` calls sent together, over all rounds of it."""

    at_once: int
    generating: int
    """The most of them that were generated in one moment."""
    rounds: int
    refused: int
    """The most that were refused in one round."""
    refusal: str | None
    """Status and reason of one that was."""
    ttft_s: float
    """From the request to the first token, the median of those that did not wait for a slot."""
    longest_ttft_s: float
    """The same of the one that waited longest."""
    tokens_per_s: float
    """Of one answer while it is generated; the median."""
    total_tokens_per_s: float
    """What came out in all, waiting for the first token included; the median over the rounds."""


class Measurement(_Facts):
    """What one server showed within the time limit."""

    url: str
    model: str
    warm_up_s: float
    """How long the first call took; the model may have been loaded for it."""
    load_s: float
    """How long of that the model was loaded, by its own account."""
    slots: int
    """The most answers that were generated in one moment."""
    exact: bool
    """Whether more calls at once did queue; else it may have more slots than that."""
    prompt_token_s: float | None
    """Seconds for each token of a prompt, beyond a short one; None where that could not be measured."""
    steps: tuple[Step, ...]
    paces: tuple[tuple[Pace, ...], ...]
    """For each number of answers at once the paces of its rounds, the fewest at once first."""
    short: str | None = None
    """Why it was not measured to the end; None where it was."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def gain(self) -> float:
        """The most tokens a second that came out in all, over those of one call alone."""
        alone = self.steps[0].total_tokens_per_s
        return max(step.total_tokens_per_s for step in self.steps) / alone if alone else 1.0

    @property
    def refused_at(self) -> Step | None:
        """The first step at which calls were refused."""
        return next((step for step in self.steps if step.refused), None)


def step_of(bursts: Sequence[Burst]) -> Step:
    """The step of bursts of one size, at least one of which has an answer."""
    answered = [burst for burst in bursts if burst.answers]
    generating = max(generated_at_once(answered), 1)
    paces = [burst.pace(generating) for burst in answered]
    refused = [each for burst in bursts for each in burst.refused]
    return Step(
        at_once=bursts[0].at_once,
        generating=generating,
        rounds=len(bursts),
        refused=max(len(burst.refused) for burst in bursts),
        refusal=f"{refused[0].status}: {refused[0].reason}" if refused else None,
        ttft_s=median(pace.ttft_s for pace in paces),
        longest_ttft_s=max(a.first_s - a.sent_s for burst in answered for a in burst.answers),
        tokens_per_s=1 / max(median(pace.token_s for pace in paces), 1e-9),
        total_tokens_per_s=median(burst.tokens_per_s for burst in answered),
    )
