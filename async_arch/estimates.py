"""What is still to be written after each task: the estimate that puts the critical path first.

A call costs mostly its answer, so work is estimated as characters of answers. At first every role counts
with what it typically writes; as answers come in, what they tell of the size of later ones takes the place.
"""

from __future__ import annotations

from collections.abc import Mapping

from agents.roles import Role
from agents.workflow import Task

__all__ = ["PathEstimates"]

_TYPICAL = {
    Role.ARCHITECT: 1000,
    Role.DEVELOPER: 4000,
    Role.REVIEWER: 600,
    Role.OPTIMIZER: 2400,
    Role.FRONTEND_DEVELOPER: 4500,
    Role.INTEGRATOR: 1800,
    Role.DEBUGGER: 100,
}

# How much longer a later answer is. A source is some three and a half times as long as the API it implements;
# an optimizer answers with as much again, or leaves the source as it is.
_FORESEEN = {
    Role.ARCHITECT: {Role.DEVELOPER: 3.5, Role.OPTIMIZER: 0.6 * 3.5},
    Role.DEVELOPER: {Role.OPTIMIZER: 0.6},
}


class PathEstimates:
    """The longest path from each task of a build to its end, in characters still to be written.

    `tasks` maps each task to those it needs, which come before it.
    """

    def __init__(self, tasks: Mapping[Task, tuple[Task, ...]]) -> None:
        self._needs = tasks
        self._own: dict[Task, float] = {task: _TYPICAL[task.role] for task in tasks}
        self._behind: dict[Task, float] = dict.fromkeys(tasks, 0.0)
        self._dependents: dict[Task, list[Task]] = {task: [] for task in tasks}
        self._done: set[Task] = set()
        for task in reversed(list(tasks)):
            for need in tasks[task]:
                self._dependents[need].append(task)
                self._behind[need] = max(self._behind[need], self.path(task))

    def path(self, task: Task) -> float:
        """What `task` and the longest chain of tasks after it still have to write."""
        return self._own[task] + self._behind[task]

    def learn(self, task: Task, answer_size: int) -> None:
        """Take from the answer to a finished task, in characters, how long those to later ones will be."""
        self._done.add(task)
        for role, factor in _FORESEEN.get(task.role, {}).items():
            later = Task(role, task.module)
            if answer_size and later in self._own:
                self._own[later] = answer_size * factor
                self._update_before(later)

    def _update_before(self, task: Task) -> None:
        # Upstream of a finished task nothing is chosen any more.
        stack = [need for need in self._needs[task] if need not in self._done]
        while stack:
            need = stack.pop()
            behind = max(self.path(dependent) for dependent in self._dependents[need])
            if behind != self._behind[need]:
                self._behind[need] = behind
                stack.extend(other for other in self._needs[need] if other not in self._done)
