"""A task of a build as it is seen from outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["TaskState", "TaskView", "moment", "seconds_between"]


class TaskState(StrEnum):
    """How far a task is."""

    WAITING = "waiting"
    """It was not begun, or was cut off and is to be begun again."""
    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It was not begun because what it needs failed."""
    ASKED = "asked"
    """All that is known is that the model was asked for it."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task, called `developer:Cart` or `analyst`. Times are None where they are not known."""

    name: str
    state: TaskState = TaskState.WAITING
    began: datetime | None = None
    ended: datetime | None = None
    detail: str = ""
    """Why it failed or was skipped."""
    calls: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0

    @property
    def role(self) -> str:
        """Who does it."""
        return self.name.partition(":")[0]

    @property
    def module(self) -> str | None:
        """What it is for; None for the project as a whole."""
        return self.name.partition(":")[2] or None

    def took_s(self, now: datetime) -> float | None:
        """How long it took or, under way, takes already; None where that is not known."""
        return seconds_between(self.began, now if self.state is TaskState.UNDER_WAY else self.ended)


def moment(at: str) -> datetime | None:
    """The moment that an ISO timestamp names; None where it is none."""
    try:
        return datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError):
        return None


def seconds_between(first: datetime | None, second: datetime | None) -> float | None:
    """Seconds from one moment to another; never fewer than 0, as clocks of two processes may differ."""
    if first is None or second is None:
        return None
    return max(0.0, (second - first).total_seconds())
