"""The outages of hosts, as far as a gateway remembers them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from harness.gateway.calls import Outage

__all__ = ["OutageLog"]

_REMEMBERED = 1000


@dataclass(slots=True)
class _Noted:
    host: str
    began_s: float
    reason: str
    ended_s: float | None = None


class OutageLog:
    """Which host was left out from when to when, by the gateway's clock; the last thousand times."""

    def __init__(self) -> None:
        self._noted: deque[_Noted] = deque(maxlen=_REMEMBERED)

    def left_out(self, host: str, when_s: float, reason: str) -> None:
        """Take note that `host` gets no calls; where it does not anyway, it goes on."""
        if not any(noted.host == host and noted.ended_s is None for noted in self._noted):
            self._noted.append(_Noted(host, when_s, reason))

    def back(self, host: str, when_s: float) -> None:
        """Take note that `host` gets calls again."""
        for noted in self._noted:
            if noted.host == host and noted.ended_s is None:
                noted.ended_s = when_s

    @property
    def now_out(self) -> tuple[str, ...]:
        """The hosts that get no calls at present."""
        return tuple(noted.host for noted in self._noted if noted.ended_s is None)

    def during(self, began_s: float, ended_s: float) -> tuple[Outage, ...]:
        """The outages within a run, in its own times."""
        return tuple(
            Outage(
                host=noted.host,
                from_s=max(noted.began_s - began_s, 0.0),
                to_s=None if noted.ended_s is None or noted.ended_s > ended_s else noted.ended_s - began_s,
                reason=noted.reason,
            )
            for noted in self._noted
            if noted.began_s < ended_s and (noted.ended_s is None or noted.ended_s > began_s)
        )
