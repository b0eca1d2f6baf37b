"""Our engine beside its peers: the orchestrator with state, checkpoints and events in a real Redis."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from agents.blackboard import PlanMade
from agents.plan import ModulePlan, ModuleType, Plan
from agents.project import Inputs, Order
from agents.roles import Role
from agents.workflow import PLANNING, Reads, Task, TaskReport
from async_arch.collecting import collect_seldom
from async_arch.composition import Orchestration
from async_arch.embedded_redis import embedded_redis
from async_arch.engine import open_redis_state, timestamp
from async_arch.orchestrator import AsyncOrchestrator, Workflow
from async_arch.workspace import Workspace
from benchmarks.peers.course import Course, Span, Tasks
from benchmarks.peers.peer import Run
from benchmarks.peers.sleeping_model import answer

__all__ = ["opened"]

_PATIENCE_S = 10.0


@asynccontextmanager
async def opened() -> AsyncIterator[Run]:
    """An engine with a Redis of its own."""
    numbers = count()
    async with embedded_redis() as server:
        collect_seldom()

        async def run(tasks: Tasks, slots: int | None, scale: float) -> Course:
            name = f"run{next(numbers)}"
            async with open_redis_state(server.url, name, _PATIENCE_S) as state:
                spans: list[Span] = []
                plan = _plan(tasks)
                after_planning = {
                    task: tuple(need for need in needs if need not in PLANNING)
                    for task, needs in tasks.items()
                    if task not in PLANNING
                }

                async def perform(task: Task, inputs: Inputs) -> TaskReport:
                    spans.append(await answer(task, scale))
                    return TaskReport(task, (PlanMade(plan),) if task.role is Role.ANALYST else ())

                with tempfile.TemporaryDirectory() as folder:
                    orchestrator = AsyncOrchestrator(
                        state=state,
                        perform=perform,
                        workspace=Workspace(Path(folder)),
                        orchestration=Orchestration.CONCURRENT,
                        concurrency=slots or len(tasks),
                        now=timestamp,
                        workflow=Workflow(lambda _: after_planning, lambda task, plan: Reads()),
                    )
                    begun_s, cpu_s = time.monotonic(), time.process_time()
                    outcome = await orchestrator.build(Order("A workload."))
                    wall_s, cpu_s = time.monotonic() - begun_s, time.process_time() - cpu_s
                    course = Course(wall_s, tuple(spans), cpu_s)
                if outcome.failures:
                    raise RuntimeError(f"the build failed: {outcome.failures}")
                return course

        yield run


def _plan(tasks: Tasks) -> Plan:
    names = dict.fromkeys(task.module for task in tasks if task.module)
    modules = (ModulePlan(name, f"{name.lower()}.py", ModuleType.DATA, "A module.") for name in names if name)
    return Plan("workload", "A workload.", tuple(modules))
