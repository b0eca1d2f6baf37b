"""What the legacy loop is given to keep its state with; all of it blocks, as that loop does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agents.blackboard import Entry, ProjectInfo, ProjectStatus
from agents.build import MirrorReport, TaskEvent

__all__ = ["Board", "LeadingBoard", "LegacyState", "OpenBoard", "OpenLead"]


class Board(Protocol):
    """A blackboard as the legacy loop writes it."""

    def add(self, entries: Sequence[Entry], files: Mapping[str, str] | None = None) -> None:
        """Add the entries that a task made; `files`, by path, are written already."""

    def finish(self, status: ProjectStatus) -> None:
        """Set the final status."""


class LeadingBoard(Board, Protocol):
    """The blackboard in the file that the legacy loop writes by itself."""

    @property
    def document(self) -> dict[str, object]:
        """What is in the file."""


OpenBoard = Callable[[Path, ProjectInfo], Board]
OpenLead = Callable[[Path, ProjectInfo], LeadingBoard]


@dataclass(frozen=True, slots=True)
class LegacyState:
    """How to begin the blackboard, and what else becomes of the state of one build."""

    open_board: OpenBoard
    announce: Callable[[TaskEvent], None] = lambda _: None
    """To be told every event of the build; may raise `StateUnavailable`."""
    mirrored: Callable[[], MirrorReport | None] = lambda: None
    """How the mirror kept up, once the build is over; None where there is none."""
