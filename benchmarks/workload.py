"""The orchestration workload: graphs of modules whose tasks sleep, and the bounds of any schedule for them.

Analyst 1.0 s, auditor 0.5, per module architect 0.8, developer 2.0, reviewer 0.7, integrator 1.5; all of
it times `SCALE`, so that what an orchestrator adds shows. A module waits for those that it requires to be
finished.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping
from enum import StrEnum

from agents.plan import ModulePlan, ModuleType, Plan
from agents.roles import Role
from agents.workflow import ANALYST, AUDITOR, Task

__all__ = [
    "SCALE",
    "Shape",
    "duration_s",
    "graph",
    "list_schedule_s",
    "lower_bound_s",
    "plan",
    "work_s",
    "workflow",
]

SCALE = 0.02
"""What the durations are multiplied with where nothing else is asked for."""

_SECONDS = {
    Role.ANALYST: 1.0,
    Role.AUDITOR: 0.5,
    Role.ARCHITECT: 0.8,
    Role.DEVELOPER: 2.0,
    Role.REVIEWER: 0.7,
    Role.INTEGRATOR: 1.5,
}
_DEPTH = 3
_CHAIN = 5
_SEED = 0

Tasks = Mapping[Task, tuple[Task, ...]]


class Shape(StrEnum):
    """How the modules of a graph hang together."""

    LAYERS = "layers"
    """Three layers; a module requires one or two of the layer before."""
    CHAINS = "chains"
    """Chains of five."""
    FAN = "fan"
    """One that all others require."""
    RANDOM = "random"
    """Up to three of those before it, drawn with a fixed seed."""


def plan(modules: int, shape: Shape = Shape.LAYERS) -> Plan:
    """A plan of so many modules."""
    drawn = random.Random(_SEED)  # noqa: S311 (nothing to guess)
    names = [f"Module{number}" for number in range(modules)]
    return Plan(
        f"{shape} of {modules}",
        "A workload.",
        tuple(
            ModulePlan(
                name, f"module{number}.py", ModuleType.DATA, "", _required(number, names, shape, drawn)
            )
            for number, name in enumerate(names)
        ),
    )


def _required(number: int, names: list[str], shape: Shape, drawn: random.Random) -> tuple[str, ...]:
    match shape:
        case Shape.LAYERS:
            size = -(-len(names) // _DEPTH)
            layer = number // size
            before = names[(layer - 1) * size : layer * size] if layer else []
            return tuple(sorted(drawn.sample(before, drawn.randint(1, min(2, len(before)))))) if layer else ()
        case Shape.CHAINS:
            return (names[number - 1],) if number % _CHAIN else ()
        case Shape.FAN:
            return (names[0],) if number else ()
        case Shape.RANDOM:
            return tuple(sorted(drawn.sample(names[:number], min(number, drawn.randint(0, 3)))))


def workflow(made: Plan) -> dict[Task, tuple[Task, ...]]:
    """The tasks after planning, with those that each needs; needs come before."""
    tasks: dict[Task, tuple[Task, ...]] = {}
    for module in made.in_build_order():
        architect, developer, reviewer = (
            Task(role, module.name) for role in (Role.ARCHITECT, Role.DEVELOPER, Role.REVIEWER)
        )
        tasks[architect] = tuple(Task(Role.REVIEWER, name) for name in module.requires)
        tasks[developer] = (architect,)
        tasks[reviewer] = (developer,)
    tasks[Task(Role.INTEGRATOR)] = tuple(task for task in tasks if task.role is Role.REVIEWER)
    return tasks


def graph(made: Plan) -> dict[Task, tuple[Task, ...]]:
    """Every task of a build, planning first."""
    after = {task: needs or (AUDITOR,) for task, needs in workflow(made).items()}
    return {ANALYST: (), AUDITOR: (ANALYST,), **after}


def duration_s(task: Task, scale: float = SCALE) -> float:
    """How long the model takes for `task`."""
    return _SECONDS.get(task.role, 0.0) * scale


def work_s(tasks: Tasks, scale: float = SCALE) -> float:
    """How long the model takes for all of them, one after the other."""
    return sum(duration_s(task, scale) for task in tasks)


def _paths(tasks: Tasks, scale: float) -> dict[Task, float]:
    """From the begin of each task to the end of the build, where slots are no limit."""
    behind = dict.fromkeys(tasks, 0.0)
    for task in reversed(list(tasks)):
        for need in tasks[task]:
            behind[need] = max(behind[need], behind[task] + duration_s(task, scale))
    return {task: behind[task] + duration_s(task, scale) for task in tasks}


def lower_bound_s(tasks: Tasks, slots: int | None, scale: float = SCALE) -> float:
    """max(critical path, work / slots): no schedule is shorter."""
    longest = max(_paths(tasks, scale).values())
    return max(longest, work_s(tasks, scale) / slots) if slots else longest


def list_schedule_s(tasks: Tasks, slots: int, scale: float = SCALE) -> float:
    """How long the tasks take if, whenever a slot is free, the ready one with the longest path is begun."""
    paths = _paths(tasks, scale)
    missing = {task: len(needs) for task, needs in tasks.items()}
    dependents: dict[Task, list[Task]] = {task: [] for task in tasks}
    for task, needs in tasks.items():
        for need in needs:
            dependents[need].append(task)
    places = {task: place for place, task in enumerate(tasks)}
    ready = [(-paths[task], places[task], task) for task, count in missing.items() if not count]
    heapq.heapify(ready)
    working: list[tuple[float, int, Task]] = []
    now_s = 0.0
    while ready or working:
        while ready and len(working) < slots:
            task = heapq.heappop(ready)[-1]
            heapq.heappush(working, (now_s + duration_s(task, scale), places[task], task))
        now_s = working[0][0]
        while working and working[0][0] <= now_s:
            for dependent in dependents[heapq.heappop(working)[-1]]:
                missing[dependent] -= 1
                if not missing[dependent]:
                    heapq.heappush(ready, (-paths[dependent], places[dependent], dependent))
    return now_s
