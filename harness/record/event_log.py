"""The log of a run's events, `events.jsonl`, to which each is added as soon as it is announced.

When the run has ended, its record holds them all, and the store writes the file anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import TypeAdapter

from agents.build import TaskEvent

__all__ = ["EventLog"]

_EVENT = TypeAdapter(TaskEvent)


class EventLog:
    """The file at `path`, which is made with the first event.

    Where it cannot be written, the run goes on all the same: only nobody can watch it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_whole = True

    def before(self, told: Callable[[TaskEvent], None]) -> Callable[[TaskEvent], None]:
        """What adds an event, and then tells it to `told`."""

        def both(event: TaskEvent) -> None:
            self.add(event)
            told(event)

        return both

    def add(self, event: TaskEvent) -> None:
        """Add `event`, so that whoever follows the file sees it at once. Nothing is added after a gap."""
        try:
            if self._is_whole:
                self._append(_EVENT.dump_json(event) + b"\n")
        except OSError:
            self._is_whole = False

    def _append(self, line: bytes) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            if os.write(file, line) < len(line):
                self._is_whole = False
        finally:
            os.close(file)
