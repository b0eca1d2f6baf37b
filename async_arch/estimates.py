"""How long each task will take, and what lies behind it: the estimate that puts the critical path first.

At first every role counts with what its tasks typically take; as answers come in, what they tell of the size
of later ones takes the place. An estimate only orders what is ready: a wrong one costs time, never a result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

from agents.roles import Role
from agents.workflow import Task

__all__ = ["PathEstimates", "RoleWeight", "TaskWeights"]

_PER_CHAR_S = 0.004
"""A plain pace: some 60 tokens a second."""

# In characters. A source is some three and a half times as long as the API it implements; an optimizer
# answers with as much again, or leaves the source as it is.
_WRITTEN = {
    Role.ANALYST: 1600,
    Role.AUDITOR: 200,
    Role.ARCHITECT: 1000,
    Role.DEVELOPER: 4000,
    Role.REVIEWER: 600,
    Role.OPTIMIZER: 2400,
    Role.FRONTEND_DEVELOPER: 4500,
    Role.INTEGRATOR: 1800,
    Role.DEBUGGER: 100,
}
_API_SIZE = 4000 / 3.5

# Of whose answer the size of whose is foreseen, for the same module.
_FORESEEN = {
    Role.ARCHITECT: (Role.DEVELOPER, Role.OPTIMIZER),
    Role.DEVELOPER: (Role.OPTIMIZER,),
}


@dataclass(frozen=True, slots=True)
class RoleWeight:
    """What a task of one role typically takes."""

    task_s: float
    """Seconds of the model's work, all calls of the task: a reviewer may send the developer back."""
    answer_size: float
    """Characters of the answer that it is done with."""


def _plain() -> dict[Role, RoleWeight]:
    weights = {role: RoleWeight(size * _PER_CHAR_S, size) for role, size in _WRITTEN.items()}
    weights[Role.ARCHITECT] = RoleWeight(weights[Role.ARCHITECT].task_s, _API_SIZE)
    return weights


@dataclass(frozen=True, slots=True)
class TaskWeights:
    """What tasks take by role, and the pace of the model; by default what they write, at a plain pace."""

    roles: Mapping[Role, RoleWeight] = field(default_factory=_plain)
    """Of every role."""
    per_char_s: float = _PER_CHAR_S
    """Seconds for a character of an answer."""
    first_token_s: float = 0.0
    """Seconds from a slot until the first token: no task takes less."""

    def foreseen_s(self, later: Role, role: Role, answer_size: int) -> float:
        """What a task of role `later` takes by the size of the answer to that of `role` for its module."""
        typical, seen = self.roles[later], self.roles[role]
        if not seen.answer_size:
            return typical.task_s
        longer = typical.answer_size * (answer_size / seen.answer_size - 1)
        foreseen_s = typical.task_s + longer * self.per_char_s
        return max(foreseen_s, self.first_token_s) if isfinite(foreseen_s) else typical.task_s


class PathEstimates:
    """The longest path from each task of a build to its end, in seconds of the model's work.

    `tasks` maps each task to those it needs, which come before it.
    """

    def __init__(self, tasks: Mapping[Task, tuple[Task, ...]], weights: TaskWeights | None = None) -> None:
        self._weights = weights or TaskWeights()
        seconds = {role: weight.task_s for role, weight in self._weights.roles.items()}
        self._place = {task: place for place, task in enumerate(tasks)}
        self._needs = [[self._place[need] for need in needs] for needs in tasks.values()]
        self._dependents: list[list[int]] = [[] for _ in tasks]
        self._own = [seconds[task.role] for task in tasks]
        self._path = self._own[:]
        self._done = bytearray(len(tasks))
        for place in reversed(range(len(tasks))):
            path = self._path[place]
            for need in self._needs[place]:
                self._dependents[need].append(place)
                self._path[need] = max(self._path[need], self._own[need] + path)

    def path(self, task: Task) -> float:
        """What `task` and the longest chain of tasks after it still take, in seconds."""
        return self._path[self._place[task]]

    def learn(self, task: Task, answer_size: int) -> None:
        """Take from the answer to a finished task, in characters, how long later ones will take."""
        self._done[self._place[task]] = True
        if not answer_size:
            return
        for role in _FORESEEN.get(task.role, ()):
            later = self._place.get(Task(role, task.module))
            if later is not None:
                self._own[later] = self._weights.foreseen_s(role, task.role, answer_size)
                self._update(later)

    def _update(self, place: int) -> None:
        stack = [place]
        while stack:
            place = stack.pop()
            behind = max((self._path[dependent] for dependent in self._dependents[place]), default=0.0)
            path = self._own[place] + behind
            if path != self._path[place]:
                self._path[place] = path
                # Upstream of a finished task nothing is chosen any more.
                stack.extend(need for need in self._needs[place] if not self._done[need])
