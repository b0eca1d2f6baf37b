"""The pace of a run: what its tasks took by role, and how fast the model answered, in a few numbers.

It is kept in the summary, so that later runs learn from it without reading the calls again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

from pydantic import BaseModel, ConfigDict, Field

from agents.roles import Role
from agents.workflow import Task
from harness.gateway.calls import CallRecord

__all__ = ["RolePace", "RunPace", "pace_of"]

# Within the task of the first, the second is asked again; before it, for a task of its own.
_SENT_BACK = {Role.REVIEWER: Role.DEVELOPER, Role.AUDITOR: Role.ANALYST}
_SENDERS = {back: sender for sender, back in _SENT_BACK.items()}


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class RolePace(_Measured):
    """What the tasks of one role took; medians over its tasks."""

    role: Role
    tasks: int = Field(ge=1)
    task_s: float = Field(ge=0)
    """Seconds in which a call of the task held a slot, those to another role within it too."""
    answer_size: float = Field(ge=0)
    """Characters of the last answer of the role itself."""


class RunPace(_Measured):
    """What the tasks of a run took, and the pace of its model; medians over its calls."""

    roles: tuple[RolePace, ...]
    per_char_s: float = Field(ge=0)
    """Seconds for a character of an answer, from the first that came."""
    first_token_s: float = Field(ge=0)
    """Seconds from a slot until something of the answer came."""


@dataclass(slots=True)
class _TaskCalls:
    spans: list[tuple[float, float]] = field(default_factory=list)
    answer_size: int = 0


def pace_of(calls: Sequence[CallRecord]) -> RunPace | None:
    """The pace of a run by its calls, in the order of their arrival; None where they do not tell it.

    A call that never got a slot, or on which a fault acted, tells nothing of what the model takes.
    """
    counted = [call for call in calls if call.granted_s is not None and call.fault is None]
    streamed = list(_streamed(counted))
    if not streamed:
        return None
    return RunPace(
        roles=tuple(_roles(counted)),
        per_char_s=median(char_s for _, char_s in streamed),
        first_token_s=median(first_s for first_s, _ in streamed),
    )


def _streamed(calls: Iterable[CallRecord]) -> Iterator[tuple[float, float]]:
    """Of each whole streamed answer the seconds until it began and those for a character of it."""
    for call in calls:
        first_s, granted_s = call.first_byte_s, call.granted_s
        if call.stream and call.response and not call.error and first_s is not None and granted_s is not None:
            yield max(first_s - granted_s, 0.0), max(call.end_s - first_s, 0.0) / len(call.response)


def _roles(calls: Iterable[CallRecord]) -> Iterator[RolePace]:
    by_role: dict[Role, list[_TaskCalls]] = {}
    for task, of_task in _tasks(calls).items():
        by_role.setdefault(task.role, []).append(of_task)
    for role, tasks in by_role.items():
        yield RolePace(
            role=role,
            tasks=len(tasks),
            task_s=median(_covered_s(of_task.spans) for of_task in tasks),
            answer_size=median(of_task.answer_size for of_task in tasks),
        )


def _tasks(calls: Iterable[CallRecord]) -> dict[Task, _TaskCalls]:
    """The calls by the task in which they were made; those of an unknown role are left out."""
    tasks: dict[Task, _TaskCalls] = {}
    for call in calls:
        role = None
        with suppress(ValueError):
            role = Role(call.role)
        if role is None:
            continue
        sender = _SENDERS.get(role)
        sent_back = Task(sender, call.module) if sender else None
        task = sent_back if sent_back in tasks and sent_back else Task(role, call.module)
        of_task = tasks.setdefault(task, _TaskCalls())
        of_task.spans.append((call.granted_s or 0.0, call.end_s))
        if task.role is role and call.response:
            of_task.answer_size = len(call.response)
    return tasks


def _covered_s(spans: Iterable[tuple[float, float]]) -> float:
    """How long at least one of `spans` was under way: gaps of one module are asked for side by side."""
    covered_s, until_s = 0.0, float("-inf")
    for begin_s, end_s in sorted(spans):
        covered_s += max(end_s - max(begin_s, until_s), 0.0)
        until_s = max(until_s, end_s)
    return covered_s
