"""A seeded fault: one small, realistic change to an engine, and how a comparison must find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from harness.compare import Layer

__all__ = ["Blame", "Fault", "Install", "Patch"]


class Patch(Protocol):
    """What sets attributes for as long as a fault is in place; `pytest.MonkeyPatch` is one."""

    def setattr(self, target: object, name: str, value: object) -> None:
        """Set the attribute `name` of `target`."""


Install = Callable[[Patch], None]


class Blame(StrEnum):
    """The step of the bisection at which a fault first shows."""

    STATE = "state_store"
    LOOP = "loop"
    CALLS = "agent_calls"
    ORDER = "orchestration"
    GENERATION = "generation"


@dataclass(frozen=True)
class Fault:
    """A fault and what it must be told by: the flag, the layer, and words of the first reason.

    `missed` says why nothing shows it.
    """

    name: str
    blame: Blame
    layer: Layer
    words: str
    install: Install
    spec: str = "shop"
    candidate: str = "async"
    missed: str | None = None
    in_worker: bool = False
    """Whether it shows only in what a process of its own uses."""
