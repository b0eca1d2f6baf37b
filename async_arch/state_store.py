"""The contract of a state store: where a build keeps its blackboard, its files and its events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from agents.api import ModuleApi
from agents.blackboard import ProjectInfo, ProjectStatus
from agents.build import TaskEvent
from agents.workflow import Reads, TaskReport
from async_arch.checkpoints import Checkpoints

__all__ = ["NoState", "Readings", "StateStore", "StateUnavailable"]


class StateUnavailable(Exception):
    """The state store does not answer; the message says where it was sought and why not."""


class NoState(StateUnavailable):
    """The store answers, and has nothing of this run (any more)."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read for a task: APIs by module name, file contents by path."""

    apis: Mapping[str, ModuleApi]
    files: Mapping[str, str]


class StateStore(Protocol):
    """The state of one build. Every method may raise `StateUnavailable`.

    Writes are done in the order in which they were begun, and whatever is read is what they left. `announce`
    and `report` may return before theirs is done: `settled` waits for that, and what keeps a write from being
    done is raised by it and by every later write. Each write of a task can be repeated without harm.
    Timestamps (`at`) are ISO.
    """

    async def create(self, info: ProjectInfo, event: TaskEvent) -> None:
        """Begin the state of a build, together with `event`, its first."""

    async def checkpoints(self) -> Checkpoints | None:
        """What a run that was begun has come to; None where none was, or nothing outlives a process."""

    async def read(self, wanted: Reads) -> Readings:
        """Read what a task needs; KeyError where a part of it is not there."""

    async def announce(self, event: TaskEvent) -> None:
        """Add `event` to the events."""

    async def report(self, report: TaskReport, place: int, event: TaskEvent) -> None:
        """Write what a task at `place` in the build order did, together with `event`, its last.

        A task that has reported already leaves nothing again.
        """

    async def settled(self) -> None:
        """Return when everything that was written up to now would outlive this process."""

    async def finish(self, status: ProjectStatus, event: TaskEvent) -> None:
        """Set the final status, together with `event`, the last of the build."""

    async def snapshot(self) -> dict[str, object]:
        """The blackboard as one JSON document."""

    def events(self) -> AsyncIterator[TaskEvent]:
        """The events from the first on, as they come, until the build is finished."""
