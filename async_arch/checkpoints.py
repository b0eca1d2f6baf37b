"""What a run has come to, as its store remembers it: which tasks are done and how each ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.blackboard import AttemptMade, ProjectStatus, changed_files
from agents.conversation import Cause
from agents.plan import Plan
from agents.workflow import TaskReport

__all__ = ["Checkpoint", "Checkpoints", "answer_size", "checkpoint_of"]


# Made once: json.dumps would make an encoder for each.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How one task ended; `cause` is empty unless it failed, `answer_size` in characters, `files` by path."""

    cause: str = ""
    reason: str = ""
    answer_size: int = 0
    files: tuple[str, ...] = ()

    @property
    def failure_cause(self) -> Cause | None:
        """Where the fault lies, where the task failed."""
        return Cause(self.cause) if self.cause else None

    @classmethod
    def read(cls, data: bytes) -> Checkpoint:
        """What `data` in a store means."""
        told = json.loads(data)
        return cls(**{**told, "files": tuple(told.get("files", ()))})

    @property
    def data(self) -> bytes:
        """What is written to a store."""
        if not (self.cause or self.reason or self.files):
            return b'{"cause":"","reason":"","answer_size":%d}' % self.answer_size
        told: dict[str, object] = {
            "cause": self.cause,
            "reason": self.reason,
            "answer_size": self.answer_size,
        }
        if self.files:
            told["files"] = self.files
        return _encoded(told).encode()


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """A run that was begun: its plan as far as there is one, and the tasks that ended, by name."""

    status: ProjectStatus
    plan: Plan | None
    tasks: Mapping[str, Checkpoint] = field(default_factory=dict)


def checkpoint_of(report: TaskReport) -> Checkpoint:
    """How the task of `report` ended."""
    failure = report.failure
    return Checkpoint(
        cause=failure.cause.value if failure else "",
        reason=failure.reason if failure else "",
        answer_size=answer_size(report),
        files=tuple(changed_files(report.changes)),
    )


def answer_size(report: TaskReport) -> int:
    """The length of the answer that the task was done with; 0 where there was none."""
    answers = [
        change.attempt.answer
        for change in report.changes
        if isinstance(change, AttemptMade) and change.attempt.role is report.task.role
    ]
    return len(answers[-1]) if answers else 0
