"""Graphs on which the order of what is ready matters, and the orders in which a scheduler can begin it.

All orders are the same scheduler's: FIFO begins what became ready first, critical path first what has the
most behind it, by the default weights or by those learnt from one run of the graph.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from agents.plan import ModuleType
from agents.roles import Role
from agents.workflow import ANALYST, AUDITOR, Task, build_tasks
from async_arch.estimates import PathEstimates, TaskWeights
from async_arch.scheduler import run_concurrently
from benchmarks.workload import Shape, duration_s, graph, plan
from harness.gateway.calls import CallRecord
from harness.learned_weights import learnt_weights
from harness.record.run_pace import pace_of
from tests.compare.records import make_call

__all__ = ["CASES", "SENT_BACK", "Case", "Course", "Path", "default", "fifo", "learnt", "learnt_from", "run"]

Path = Callable[[Task], float]
Span = tuple[Task, float, float]
Tasks = Mapping[Task, tuple[Task, ...]]


@dataclass(frozen=True, slots=True)
class Course:
    """How a run went: how long it took, over its scale, and the tasks as they were done."""

    took_s: float
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A graph on so many slots; `task_s` says how long the model takes for a task of each role."""

    name: str
    tasks: Tasks
    slots: int
    task_s: Mapping[Role, float]
    sent_back: bool = False
    """Whether every review sends the developer back twice."""

    @property
    def lower_bound_s(self) -> float:
        """max(critical path, work / slots): no order is shorter."""
        behind = dict.fromkeys(self.tasks, 0.0)
        for task in reversed(list(self.tasks)):
            for need in self.tasks[task]:
                behind[need] = max(behind[need], behind[task] + self.task_s[task.role])
        longest = max(behind[task] + self.task_s[task.role] for task in self.tasks)
        return max(longest, sum(self.task_s[task.role] for task in self.tasks) / self.slots)


def _of_workload(shape: Shape, slots: int) -> Case:
    task_s = {role: duration_s(Task(role), 1.0) for role in Role}
    return Case(f"{shape} of 50 modules, {slots} slots", graph(plan(50, shape)), slots, task_s)


def _sent_back(modules: int, slots: int) -> Case:
    """Pages whose reviews send the developer back twice, where sources are quickly written.

    By the default weights a page, which only the integrator waits for, counts for more than a review.
    """
    made = plan(modules, Shape.RANDOM)
    pages = tuple(replace(module, module_type=ModuleType.WEB_INTERFACE) for module in made.modules)
    after = {task: needs or (AUDITOR,) for task, needs in build_tasks(replace(made, modules=pages)).items()}
    task_s = {
        Role.ANALYST: 1.0,
        Role.AUDITOR: 0.5,
        Role.ARCHITECT: 0.8,
        Role.DEVELOPER: 2.0,
        Role.REVIEWER: 6.1,
        Role.OPTIMIZER: 0.5,
        Role.FRONTEND_DEVELOPER: 1.0,
        Role.INTEGRATOR: 1.5,
        Role.DEBUGGER: 0.3,
    }
    tasks = {ANALYST: (), AUDITOR: (ANALYST,), **after}
    return Case(f"{modules} pages sent back twice, {slots} slots", tasks, slots, task_s, sent_back=True)


CASES = (
    _of_workload(Shape.LAYERS, 16),
    _of_workload(Shape.LAYERS, 8),
    _of_workload(Shape.CHAINS, 8),
    _of_workload(Shape.RANDOM, 8),
)
"""Those of the orchestration workload; the default weights have their order right."""
SENT_BACK = _sent_back(50, 16)
"""One on which the default weights mislead."""


def fifo() -> Path:
    """What became ready first begins first."""
    came: dict[Task, float] = {}
    return lambda task: came.setdefault(task, -float(len(came)))


def default(case: Case) -> Path:
    """The critical path first, by the weights of a first run."""
    return PathEstimates(case.tasks).path


def learnt(case: Case, weights: TaskWeights) -> Path:
    """The critical path first, by weights that were learnt."""
    return PathEstimates(case.tasks, weights).path


async def run(case: Case, path: Path, scale: float = 1.0) -> Course:
    """Let the tasks of `case` sleep, in the order of `path`; all durations are multiplied with `scale`."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    spans: list[Span] = []

    async def work(task: Task) -> bool:
        granted_s = loop.time()
        await asyncio.sleep(case.task_s[task.role] * scale)
        spans.append((task, granted_s, loop.time()))
        return True

    await run_concurrently(case.tasks, work, at_once=case.slots, path=path)
    return Course((loop.time() - begun_s) / scale, tuple(spans))


def learnt_from(case: Case, course: Course) -> TaskWeights:
    """The weights learnt from a run of `case`, by the calls that a gateway would have seen."""
    calls = [call for span in course.spans for call in _calls(span, sent_back=case.sent_back)]
    pace = pace_of(sorted(calls, key=lambda call: call.arrival_s))
    return learnt_weights([pace]) if pace else TaskWeights()


def _calls(span: Span, *, sent_back: bool) -> Iterator[CallRecord]:
    task, granted_s, end_s = span
    again = (Role.DEVELOPER, Role.REVIEWER) * 2
    roles = (task.role, *again) if sent_back and task.role is Role.REVIEWER else (task.role,)
    each_s = (end_s - granted_s) / len(roles)
    for place, role in enumerate(roles):
        begun_s = granted_s + place * each_s
        yield make_call(
            role.value,
            task.module,
            response="x" * 1000,
            arrival_s=begun_s,
            granted_s=begun_s,
            end_s=begun_s + each_s,
        )
