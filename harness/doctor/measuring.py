"""The measuring of a server: more and more calls at once, until that gains nothing or they queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from statistics import median

from harness.doctor.burst import Burst, generated_at_once, sent_at_once
from harness.doctor.measurement import Measurement, step_of
from harness.doctor.probe import Answer, Probe, Refused
from harness.errors import SurroundingsError

__all__ = ["measure"]

OnProgress = Callable[[str], None]

_TOKENS = 32
_MOST_TOKENS = 256
_ROUNDS = 3
_MOST_ROUNDS = 6
_ENOUGH_S = 0.5
"""Rounds that together take less are so short that a busy machine shows in them: there are more of them."""
_LONG_BURST_S = 3.0
"""A burst that takes longer is made once."""
_GAINS = 1.05
"""What comes out of twice as many calls at once, over what came out before, where that is a gain."""
_IN_VAIN = 2
"""How many doublings in a row may gain nothing before it ends: the first may just fill what a batch holds."""
_FEWEST_TOKENS = 4
_LEAD = 0.5
"""For which share of the shortest time to a first token a prompt is surely being read, and its slot taken."""


async def measure(probe: Probe, *, most: int, limit_s: float, on_progress: OnProgress) -> Measurement:
    """Measure the server of `probe` with at most `most` calls at once, within `limit_s`.

    When the time is up, what was seen until then counts. Raises `SurroundingsError` where not even one call
    was answered, or its answer shows nothing.
    """
    ladder = _Ladder(probe, most, on_progress)
    short = None
    try:
        async with asyncio.timeout(limit_s):
            await ladder.climb()
    except TimeoutError as error:
        if not ladder.bursts:
            raise SurroundingsError(
                f"{probe.url} was not measured: {ladder.doing} had no answer within {limit_s:g} s; "
                "give it more time with --limit"
            ) from error
        short = f"the {limit_s:g} s were up while {ladder.doing} was under way"
    return ladder.measured(short)


class _Ladder:
    """How far the measuring has come."""

    def __init__(self, probe: Probe, most: int, on_progress: OnProgress) -> None:
        self._probe = probe
        self._most = most
        self._on_progress = on_progress
        self._numbers = count(1)
        self._tokens = _TOKENS
        self._warm_up: Answer | None = None
        self._long: Answer | None = None
        self.bursts: dict[int, list[Burst]] = {}
        self.doing = "the first call"

    async def climb(self) -> None:
        """Send one call, then twice as many at once each time."""
        self._on_progress(
            f"{self._probe.url}: a first call to {self._probe.model}, which may have to be loaded"
        )
        self._warm_up = self._answered(await self._probe.ask(next(self._numbers), self._tokens))
        took_s = self._warm_up.end_s - self._warm_up.sent_s
        self._on_progress(f"{self._probe.url}: it took {took_s:.1f} s")
        await self._rounds(1)
        at_once, in_vain = 2, 0
        while at_once <= self._most and in_vain < _IN_VAIN:
            await self._rounds(at_once)
            if self._queued(at_once) and await self._queued_whatever_the_length(at_once):
                break
            if self._refused(at_once):
                break
            before, now = (self._total(number) for number in (at_once // 2, at_once))
            in_vain = 0 if now > before * _GAINS else in_vain + 1
            at_once *= 2
        if self._slots not in self.bursts:
            await self._rounds(self._slots)
        # Last, as it may take a slow machine longer than all the rest.
        self.doing = "a call with a long prompt"
        long = await self._probe.ask_at_length(next(self._numbers))
        self._long = long if isinstance(long, Answer) else None

    def measured(self, short: str | None) -> Measurement:
        """What all that shows."""
        warm_up = self._warm_up
        if warm_up is None:
            raise ValueError("nothing was measured")
        steps = [
            step_of(bursts) for _, bursts in sorted(self.bursts.items()) if any(b.answers for b in bursts)
        ]
        slots = self._slots
        paces = [
            tuple(burst.pace(slots) for burst in bursts)
            for at_once, bursts in sorted(self.bursts.items())
            if at_once <= slots and not self._refused(at_once)
        ]
        return Measurement(
            url=self._probe.url,
            model=self._probe.model,
            warm_up_s=warm_up.end_s - warm_up.sent_s,
            load_s=warm_up.load_s,
            slots=slots,
            exact=any(self._queued(at_once) or self._refused(at_once) for at_once in self.bursts),
            prompt_token_s=self._prompt_token_s(),
            steps=tuple(steps),
            paces=tuple(paces),
            short=short,
        )

    async def _rounds(self, at_once: int) -> None:
        """Send so many calls at once, some times."""
        took_s = 0.0
        for number in range(_MOST_ROUNDS):
            burst = await self._burst(at_once, self._tokens)
            if at_once == 1:
                for refused in burst.refused:
                    self._answered(refused)
                self._check(burst)
            self.bursts.setdefault(at_once, []).append(burst)
            if number == 0:
                self._on_progress(
                    f"{self._probe.url}: {at_once} at once: {burst.generating} generated together, "
                    f"{burst.tokens_per_s:.0f} tokens/s in all"
                    + (f", {len(burst.refused)} refused" if burst.refused else "")
                )
            took_s += burst.duration_s
            long = burst.duration_s > _LONG_BURST_S
            if long or burst.refused or (number + 1 >= _ROUNDS and took_s > _ENOUGH_S):
                break

    async def _queued_whatever_the_length(self, at_once: int) -> bool:
        """Whether calls queue too when answers are longer.

        Where prompts are worked on one by one, short answers end before the last prompt's turn comes: that
        looks like a queue and is none. Then it goes on with the longer answers.
        """
        alone = self.bursts[1][0].answers[0]
        if at_once * (alone.first_s - alone.sent_s) < alone.last_s - alone.first_s:
            # All prompts in a row take less than one answer.
            return True
        while self._tokens < _MOST_TOKENS:
            longer = await self._burst(at_once, 2 * self._tokens)
            if longer.refused or longer.generating <= self._generating(at_once):
                return True
            self._tokens *= 2
            self.bursts[at_once] = [longer]
            if not self._queued(at_once):
                return False
        return True

    async def _burst(self, at_once: int, tokens: int) -> Burst:
        self.doing = f"one of {at_once} calls at once" if at_once > 1 else "one call alone"
        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(self._probe.ask(next(self._numbers), tokens)) for _ in range(at_once)]
        return sent_at_once([call.result() for call in calls], self._lead_s())

    def _lead_s(self) -> float:
        alone = [answer for burst in self.bursts.get(1, ()) for answer in burst.answers]
        return _LEAD * min((answer.first_s - answer.sent_s for answer in alone), default=0.0)

    @property
    def _slots(self) -> int:
        return max(self._generating(at_once) for at_once in self.bursts)

    def _generating(self, at_once: int) -> int:
        return generated_at_once(self.bursts[at_once])

    def _queued(self, at_once: int) -> bool:
        return not self._refused(at_once) and self._generating(at_once) < at_once

    def _refused(self, at_once: int) -> bool:
        return any(burst.refused for burst in self.bursts[at_once])

    def _total(self, at_once: int) -> float:
        return median(burst.tokens_per_s for burst in self.bursts[at_once])

    def _answered(self, result: Answer | Refused) -> Answer:
        if isinstance(result, Answer):
            return result
        status = f" ({result.status})" if result.status else ""
        raise SurroundingsError(
            f"{self._probe.url} was not measured: model {self._probe.model} gave no answer{status}: "
            f"{result.reason}"
        )

    def _check(self, burst: Burst) -> None:
        """Raise where an answer shows nothing of when it was generated."""
        tokens = burst.answers[0].tokens
        why = None
        if tokens < _FEWEST_TOKENS:
            why = f"its answers end after {tokens} tokens, too few to be timed"
        elif not burst.streams:
            why = "its answers come in one piece, so that nobody sees when they are generated"
        if why:
            raise SurroundingsError(f"{self._probe.url} was not measured: {why}")

    def _prompt_token_s(self) -> float | None:
        """What a token of a prompt takes: the long prompt's first token came so much later."""
        if self._long is None or not self.bursts:
            return None
        short = self.bursts[1][0]
        more = self._long.prompt_tokens - short.answers[0].prompt_tokens
        later_s = self._long.first_s - self._long.sent_s - short.pace(1).ttft_s
        return max(later_s, 0.0) / more if more > 0 else None
