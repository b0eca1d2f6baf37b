"""The prediction: how long legacy and async would take for a spec with a model that was measured."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from statistics import median

from pydantic import BaseModel, ConfigDict

from harness.doctor.curve import Beyond, Choice, curve_of
from harness.doctor.fleet import Fleet, FleetHost
from harness.doctor.measurement import Measurement
from harness.doctor.schedule import path_s, scheduled_s, sequential_s
from harness.doctor.workload import Workload

__all__ = ["Limit", "Prediction", "WhatIf", "predict"]

_COUNTS = 0.1
"""The share of async's time from which a loss is one."""
_DOUBLINGS = 2
_LITTLE = 1.02
"""A time over another where the difference is none."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class Limit(StrEnum):
    """What keeps the async engine from being faster."""

    SERVER_SLOTS = "the server's slots"
    ASKED_SLOTS = "--slots"
    THROUGHPUT = "throughput"
    CRITICAL_PATH = "critical path"


class WhatIf(_Facts):
    """How long async would take with another number of slots; never measured where the server has fewer."""

    slots: int
    best_s: float
    """If answers slow each other down on as they did with those at once that were measured."""
    worst_s: float
    """If no more comes out in all than came out of those."""
    measured: bool
    """Whether the server was seen to generate so many at once."""


class Prediction(_Facts):
    """What a comparison of legacy and async would come to; all durations in seconds."""

    spec: str
    source: str
    """Where plan and lengths of answers are known from."""
    estimated: bool
    modules: int
    calls: int
    output_tokens: int
    longest_call_tokens: int
    """Prompt and answer of the longest call, which must fit into the context."""
    slots: int
    """On how many slots async would work."""
    legacy_s: float
    async_s: float
    speedup: float
    speedup_low: float
    speedup_high: float
    """The range that the spread of the measurement allows."""
    critical_path_s: float
    unslowed_s: float
    """What async would take on these slots if it did not slow one answer down to generate others."""
    limit: Limit
    what_if: tuple[WhatIf, ...]


def predict(spec: str, work: Workload, hosts: Sequence[tuple[Measurement, int]]) -> Prediction:
    """The prediction for `spec`, whose calls are `work`: on each host at most so many of them at once."""
    fleet, fast, slow = (_fleet(hosts, choose) for choose in (median, min, max))
    slots = fleet.slots
    there = sum(measured.slots for measured, _ in hosts)
    legacy_s = sequential_s(work, fleet)
    async_s = scheduled_s(work, fleet, slots)
    unslowed_s = scheduled_s(work, fleet.unslowed, slots)
    longest_s = path_s(work, fleet)
    low, high = (
        sequential_s(work, one) / _positive(scheduled_s(work, many, slots))
        for one, many in ((fast, slow), (slow, fast))
    )
    speedup = legacy_s / _positive(async_s)
    return Prediction(
        spec=spec,
        source=work.source,
        estimated=work.estimated,
        modules=work.modules,
        calls=len(work.calls),
        output_tokens=sum(call.output_tokens for call in work.calls),
        longest_call_tokens=max((c.prompt_tokens + c.output_tokens for c in work.calls), default=0),
        slots=slots,
        legacy_s=legacy_s,
        async_s=async_s,
        speedup=speedup,
        speedup_low=min(low, speedup),
        speedup_high=max(high, speedup),
        critical_path_s=longest_s,
        unslowed_s=unslowed_s,
        limit=_limit(async_s, unslowed_s, longest_s, by_asking=slots < there),
        what_if=_what_if(work, fleet, there),
    )


def _limit(async_s: float, unslowed_s: float, longest_s: float, *, by_asking: bool) -> Limit:
    by_throughput, by_slots = async_s - unslowed_s, unslowed_s - longest_s
    if max(by_throughput, by_slots) <= _COUNTS * async_s:
        return Limit.CRITICAL_PATH
    if by_throughput > by_slots:
        return Limit.THROUGHPUT
    return Limit.ASKED_SLOTS if by_asking else Limit.SERVER_SLOTS


def _fleet(hosts: Sequence[tuple[Measurement, int]], choose: Choice) -> Fleet:
    return Fleet(
        tuple(
            FleetHost(
                curve_of(measured.paces, measured.prompt_token_s, choose), min(asked_slots, measured.slots)
            )
            for measured, asked_slots in hosts
        )
    )


def _what_if(work: Workload, fleet: Fleet, there: int) -> tuple[WhatIf, ...]:
    """The next doublings of the slots, as far as each could gain something; `there` are so many."""
    found: list[WhatIf] = []
    before_s = scheduled_s(work, fleet, fleet.slots)
    for doubling in range(1, _DOUBLINGS + 1):
        more = fleet.slots * 2**doubling
        best_s, worst_s = (scheduled_s(work, fleet, more, beyond) for beyond in Beyond)
        if best_s * _LITTLE > before_s:
            break
        found.append(WhatIf(slots=more, best_s=best_s, worst_s=worst_s, measured=more <= there))
        before_s = best_s
    return tuple(found)


def _positive(seconds: float) -> float:
    return max(seconds, 1e-9)
