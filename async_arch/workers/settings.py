"""Which workers are to do the tasks of a build, and where they reach its model."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

__all__ = ["ModelHost", "ReachedModel", "WorkersSettings"]


@dataclass(frozen=True, slots=True)
class ModelHost:
    """A host of the model, and how many answers it generates at once."""

    url: str
    slots: int


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
        """Where calls go that `host` is to answer; for an empty one, wherever the gateway sends them."""
        urls = [each.url for each in self.hosts]
        return f"{self.url}/host/{urls.index(host)}" if host in urls else self.url
