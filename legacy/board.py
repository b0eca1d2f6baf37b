"""The contract of a blackboard: where the legacy engine writes down what a project has come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from agents.blackboard import Entry, ProjectInfo, ProjectStatus

__all__ = ["Board", "OpenBoard"]


class Board(Protocol):
    """The blackboard of one project. Whoever adds to it waits until that is done."""

    def add(self, entries: Sequence[Entry], files: Mapping[str, str] | None = None) -> None:
        """Add the entries that a task made; `files`, by path, are written already."""

    def finish(self, status: ProjectStatus) -> None:
        """Set the final status."""


OpenBoard = Callable[[Path, ProjectInfo], Board]
"""Begins the blackboard of a project, which is to be in the file at that path at the end."""
