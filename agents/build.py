"""How a build ended, and the events on the way there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agents.blackboard import ProjectStatus
from agents.conversation import Cause

__all__ = ["BuildOutcome", "EventKind", "MirrorReport", "TaskEvent", "TaskFailure"]


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

    The end of a task tells what it cost: calls to the model, how many of them were retries (made because the
    one before had failed), and tokens by the model's own count. Its beginning tells how many times workers
    had been given it before, where that is more than none.
    """

    kind: EventKind
    at: str
    task: str = ""
    detail: str = ""
    calls: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    retries: int = 0
    takeovers: int = 0

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
class MirrorReport:
    """How the mirror of a blackboard that leads elsewhere kept up with it."""

    saves: int
    """How often the blackboard was saved."""
    verified: int
    """How many states were written and read back; one that a later one overtook is in that."""
    caught_up: bool
    """Whether the last state is in the mirror, and all of it was found equal at the end."""
    drifted: bool = False
    """Whether all had been written and read back, and another document was found at the end."""
    problem: str | None = None
    """Why it did not catch up, or what went wrong on the way."""
    lag_median_s: float | None = None
    """From a save until it was verified; None where nothing was."""
    lag_max_s: float | None = None

    def __str__(self) -> str:
        if self.saves == self.verified:
            counted = f"{self.saves} saves, each read back"
        else:
            counted = f"{self.saves} saves, {self.verified} of them read back"
        end = "equal at the end" if self.caught_up else "not caught up"
        words = [counted, "another document at the end" if self.drifted else end]
        if self.lag_median_s is not None and self.lag_max_s is not None:
            words.append(
                f"lag {1000 * self.lag_median_s:.1f} ms median, {1000 * self.lag_max_s:.1f} ms at most"
            )
        return "; ".join([*words, *([self.problem] if self.problem else [])])


@dataclass(frozen=True, slots=True)
class BuildOutcome:
    """How a build ended; tasks are named as `developer:Cart`, in build order."""

    status: ProjectStatus
    failures: tuple[TaskFailure, ...] = ()
    skipped: tuple[str, ...] = ()
    mirror: MirrorReport | None = None
    """How the mirror of its blackboard kept up, where it has one."""

    @property
    def lost_state(self) -> bool:
        """Whether the build ended because its state store did not answer any more."""
        return any(failure.cause is Cause.STATE for failure in self.failures)
