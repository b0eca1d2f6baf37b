"""Which workers are to do the tasks of a build, and where they reach its model."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ModelHost", "WorkersSettings"]


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
    """Where they reach the model."""
    hosts: tuple[ModelHost, ...] = ()
    """The hosts behind that, in its order, where there are several."""
    wait_s: float | None = None
    """For how long a build waits where there is no such worker, before it fails; None: it waits."""
