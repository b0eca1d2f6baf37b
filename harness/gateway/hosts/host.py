"""A host of a model: its slots, how it does, and whether it is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from harness.gateway.hosts.pace import Pace
from harness.gateway.ollama_facts import OllamaFacts
from harness.gateway.upstream import Upstream

__all__ = ["FIRST_PROBE_S", "Host", "HostState", "Lease"]

FIRST_PROBE_S = 1.0
"""How long after it was left out a host is asked for the first time whether it is back."""
_MOST_BETWEEN_PROBES_S = 30.0
_MOST_ERRORS_IN_A_ROW = 3


class HostState(Enum):
    """Whether calls go to a host."""

    IN = auto()
    OUT = auto()
    TRIAL = auto()
    """It says that it is back; one call shows whether it is."""


@dataclass(slots=True, eq=False)
class Host:
    """One host. `facts` is what it said of itself last; None where it never did."""

    url: str
    slots: int
    upstream: Upstream
    facts: OllamaFacts | None
    state: HostState = HostState.IN
    under_way: int = 0
    pace: Pace = field(default_factory=Pace)
    probe_after_s: float = FIRST_PROBE_S
    on_trial: bool = False
    """Whether the call is under way that shows whether it is back."""
    term: int = 0
    """How often it was left out: what calls of an earlier term come to says nothing of this one."""
    errors_in_row: int = 0

    @property
    def free(self) -> bool:
        """Whether it takes a call now."""
        if self.under_way >= self.slots:
            return False
        return self.state is HostState.IN or (self.state is HostState.TRIAL and not self.on_trial)

    def may_answer(self, model: str) -> bool:
        """Whether it offers `model`, as far as is known."""
        return self.facts is None or self.facts.offers(model)

    def take(self) -> Lease:
        """Give a call one of the slots."""
        self.under_way += 1
        trial = self.state is HostState.TRIAL
        self.on_trial = self.on_trial or trial
        return Lease(self, self.term, trial=trial)

    def give_back(self, lease: Lease) -> None:
        """Take the slot back; a trial that was given up halfway has shown nothing."""
        self.under_way -= 1
        if lease.trial and lease.term == self.term:
            self.on_trial = False

    def went_well(self, lease: Lease) -> bool:
        """Take note that a call was answered whole; whether the host is back by that."""
        if lease.term != self.term:
            return False
        self.errors_in_row = 0
        back = self.state is HostState.TRIAL
        self.state = HostState.IN
        self.probe_after_s = FIRST_PROBE_S
        return back

    def went_wrong(self, lease: Lease, *, lost: bool) -> bool:
        """Take note that no whole answer came; whether the host is left out by that.

        `lost` where there was no connection, after which nothing more need be waited for.
        """
        if lease.term != self.term:
            return False
        self.errors_in_row += 1
        if not lost and not lease.trial and self.errors_in_row < _MOST_ERRORS_IN_A_ROW:
            return False
        self.leave_out()
        return True

    def leave_out(self) -> None:
        """Give it no calls until it is back."""
        self.state = HostState.OUT
        self.term += 1
        self.on_trial = False
        self.errors_in_row = 0

    def try_again(self, facts: OllamaFacts) -> None:
        """It answered a probe: let one call show whether it is back."""
        self.facts = facts
        self.state = HostState.TRIAL

    def next_probe_s(self) -> float:
        """How long to wait before the next probe; each time longer, until a call was answered."""
        wait_s = self.probe_after_s
        self.probe_after_s = min(2 * wait_s, _MOST_BETWEEN_PROBES_S)
        return wait_s


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """A slot of a host, held by a call."""

    host: Host
    term: int
    trial: bool
