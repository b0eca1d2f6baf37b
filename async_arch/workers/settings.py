"""Which workers are to do the tasks of a build, and where they reach its model."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["ModelHost", "ReachedModel", "WorkersSettings"]


_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class ModelHost:
    """A host of the model, and how many answers it generates at once.

    `machine` says whose it is where `url` means another on each machine.
    """

    url: str
    slots: int
    machine: str = ""

    @classmethod
    def at(cls, url: str, slots: int) -> ModelHost:
        """The host at `url` as this machine sees it."""
        local = urlsplit(url).hostname in _LOCAL
        return cls(url, slots, socket.gethostname() if local else "")

    @property
    def name(self) -> str:
        """What it is called by all workers alike."""
        return f"{self.machine}/{self.url}" if self.machine else self.url


@dataclass(frozen=True, slots=True)
class WorkersSettings:
    """The workers of a build: those that serve `queue` and whose code has the fingerprint `code`."""

    queue: str
    code: str
    model_url: str
    """Where they reach the model; empty where they have one of their own."""
    hosts: tuple[ModelHost, ...] = ()
    """The hosts behind that, in its order, where there are several."""
    wait_s: float | None = None
    """For how long a build waits where there is no such worker, before it fails; None: it waits."""


def _none() -> Collection[str]:
    return ()


@dataclass(frozen=True, slots=True)
class ReachedModel:
    """A model as a worker reaches it.

    `hosts` are those behind `url`, in its order; `left_out` tells which of them do not answer now.
    """

    url: str
    hosts: tuple[ModelHost, ...] = ()
    left_out: Callable[[], Collection[str]] = _none

    @property
    def hosts_in(self) -> tuple[ModelHost, ...]:
        """The hosts that answer."""
        out = self.left_out()
        return tuple(host for host in self.hosts if host.url not in out)

    def url_of(self, host: str) -> str:
        """Where calls go that the host of this name is to answer; of an empty one, that any may answer."""
        names = [each.name for each in self.hosts]
        return f"{self.url}/host/{names.index(host)}" if host in names else self.url
