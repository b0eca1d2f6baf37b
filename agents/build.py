"""How a build ended, and the events on the way there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agents.blackboard import ProjectStatus
from agents.conversation import Cause

__all__ = ["BuildOutcome", "EventKind", "TaskEvent", "TaskFailure"]


class EventKind(StrEnum):
    """What happened to a task, or to the build as a whole (then the event names no task)."""

    BUILD_STARTED = "BUILD_STARTED"
    BUILD_RESUMED = "BUILD_RESUMED"
    TASK_STARTED = "TASK_STARTED"
    TASK_COMPLETED = "TASK_COMPLETED"
    TASK_FAILED = "TASK_FAILED"
    TASK_SKIPPED = "TASK_SKIPPED"
    BUILD_FINISHED = "BUILD_FINISHED"


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """Something that happened in a build; `at` is an ISO timestamp, `detail` a reason where there is one.

    The end of a task tells what it cost: calls to the model, how many of them were made because the one before
    had failed, and tokens by the model's own count.
    """

    kind: EventKind
    at: str
    task: str = ""
    detail: str = ""
    calls: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    retries: int = 0

    def __str__(self) -> str:
        words = [self.kind.value, self.task, f"({self.detail})" if self.detail else ""]
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """A task that failed: where the fault lies, and the reason in one sentence."""

    task: str
    cause: Cause
    reason: str


@dataclass(frozen=True, slots=True)
class BuildOutcome:
    """How a build ended; tasks are named as `developer:Cart`, in build order."""

    status: ProjectStatus
    failures: tuple[TaskFailure, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def lost_state(self) -> bool:
        """Whether the build ended because its state store did not answer any more."""
        return any(failure.cause is Cause.STATE for failure in self.failures)
