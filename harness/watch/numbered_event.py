"""An event of a run with its place among all of them, by which two accounts of one run are put together."""

from __future__ import annotations

from dataclasses import dataclass

from agents.build import TaskEvent

__all__ = ["NumberedEvent"]


@dataclass(frozen=True, slots=True)
class NumberedEvent:
    """An event, and its place among the events of its run, from 1."""

    number: int
    event: TaskEvent
    ident: str = ""
    """Its id in the stream; empty where it was read elsewhere."""
