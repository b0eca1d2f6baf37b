"""A fleet: the hosts of a model, on which the calls of a build are spread; often it is one."""

from __future__ import annotations

from dataclasses import dataclass

from harness.doctor.curve import Beyond, PaceCurve
from harness.doctor.workload import PlannedCall

__all__ = ["Fleet", "FleetHost"]


@dataclass(frozen=True, slots=True)
class FleetHost:
    """One host: how fast it generates, and how many calls at once it gets at the most."""

    curve: PaceCurve
    slots: int


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts, at least one."""

    hosts: tuple[FleetHost, ...]

    @property
    def slots(self) -> int:
        """How many calls at once all of them get."""
        return sum(host.slots for host in self.hosts)

    @property
    def unslowed(self) -> Fleet:
        """The same hosts as if none slowed one answer down to generate others."""
        return Fleet(
            tuple(
                FleetHost(PaceCurve(host.curve.points[:1], host.curve.prompt_token_s), host.slots)
                for host in self.hosts
            )
        )

    def duration_s(self, call: PlannedCall, at_once: int, beyond: Beyond = Beyond.TREND) -> float:
        """How long `call` takes on average if all the while so many answers are generated.

        For more of them than there are slots every host has as many times more.
        """
        speed = sum(
            share / max(host.curve.duration_s(call, share, beyond), 1e-12)
            for host, share in zip(self.hosts, self._spread(call, at_once, beyond), strict=True)
            if share
        )
        return at_once / speed

    def _spread(self, call: PlannedCall, at_once: int, beyond: Beyond) -> list[int]:
        """How many of the calls each host gets, one after another where it is soonest answered."""
        if len(self.hosts) == 1:
            return [at_once]
        times = -(-at_once // self.slots)
        shares = [0] * len(self.hosts)
        for _ in range(at_once):
            free = [place for place, host in enumerate(self.hosts) if shares[place] < host.slots * times]
            soonest = min(
                free, key=lambda place: self.hosts[place].curve.duration_s(call, shares[place] + 1, beyond)
            )
            shares[soonest] += 1
        return shares
