"""The protocol of what keeps a command in."""

from __future__ import annotations

from typing import Protocol

from harness.sandbox.view import View

__all__ = ["Wall"]


class Wall(Protocol):
    """A way to keep a command in: it sees a view, has no network and no rights, and ends with its keeper."""

    @property
    def name(self) -> str:
        """What people call it."""

    def missing(self) -> str | None:
        """What is not there that it needs, as far as can be told without trying; None where all is."""

    def keeper(self, view: View) -> tuple[str, ...]:
        """The command line that runs the keeper behind it."""
