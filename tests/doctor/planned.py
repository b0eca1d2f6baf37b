"""Workloads and paces made by hand, for tests that look at one thing."""

from __future__ import annotations

from collections.abc import Sequence

from harness.doctor.burst import Pace
from harness.doctor.curve import PaceCurve
from harness.doctor.fleet import Fleet, FleetHost
from harness.doctor.measurement import Measurement, Step
from harness.doctor.workload import PlannedCall, Workload

TOKEN_S = 0.125


def work(tokens: Sequence[int], waits_for: Sequence[tuple[int, ...]] | None = None) -> Workload:
    """Calls of so many tokens, all of them free to begin unless it is said for which they wait."""
    calls = tuple(PlannedCall(0, count) for count in tokens)
    return Workload(calls, tuple(waits_for or [()] * len(calls)), modules=2, source="made by hand")


def paces(slowdowns: Sequence[float]) -> list[Pace]:
    """The paces with 1, 2, 3, ... at once; a first token takes as long as any."""
    return [
        Pace(number, TOKEN_S * slower, TOKEN_S * slower, 0.0)
        for number, slower in enumerate(slowdowns, start=1)
    ]


def fleet(slots: int, *slowdowns: float) -> Fleet:
    """One host with these paces."""
    return Fleet((FleetHost(PaceCurve(tuple(paces(slowdowns or (1.0,))), 0.0), slots),))


def measurement(
    slots: int, *slowdowns: float, exact: bool = True, rounds: Sequence[float] = (1.0,)
) -> Measurement:
    """What a server with these paces showed; each round was slower or faster by its factor."""
    found = [
        tuple(Pace(p.at_once, p.ttft_s * by, p.token_s * by, p.tail_s) for by in rounds)
        for p in paces(slowdowns or (1.0,))
    ]
    steps = [
        Step(
            at_once=number,
            generating=min(number, slots),
            rounds=len(rounds),
            refused=0,
            refusal=None,
            ttft_s=TOKEN_S,
            longest_ttft_s=TOKEN_S,
            tokens_per_s=1 / (TOKEN_S * slower),
            total_tokens_per_s=min(number, slots) / (TOKEN_S * slower),
        )
        for number, slower in enumerate(slowdowns or (1.0,), start=1)
    ]
    return Measurement(
        url="http://a",
        model="m",
        warm_up_s=1.0,
        load_s=0.0,
        slots=slots,
        exact=exact,
        prompt_token_s=None,
        steps=tuple(steps),
        paces=tuple(found),
    )
