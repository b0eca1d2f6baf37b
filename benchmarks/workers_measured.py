"""What it costs to have workers do the tasks: each part a process of its own, with its processor time.

Orchestrator and workers are those of the product. The model is the simulated one behind a gateway, a process
as well; or it is in the process that does the task and sleeps, and then all that is measured is state,
events, checkpoints, files and the queue.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

from agents.api import FunctionSpec, ModuleApi
from agents.blackboard import ApiDesigned, AttemptMade, Change, FileWritten, PlanMade
from agents.conversation import Attempt, AttemptStatus
from agents.plan import ModuleHint
from agents.project import Inputs, Order
from agents.roles import Role
from agents.workflow import ANALYST, AUDITOR, Task, TaskReport, build_tasks
from async_arch.collecting import collect_seldom
from async_arch.embedded_redis import embedded_redis
from async_arch.engine import AsyncEngines, open_engines
from async_arch.executor import Assignment, LocalExecutor, TaskExecutor, TaskResult
from async_arch.performing import Perform
from async_arch.timestamps import timestamp
from async_arch.workers import task_worker
from async_arch.workers.docket_executor import DocketExecutor
from benchmarks.workload import duration_s, lower_bound_s, plan
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, SimulateSettings
from tests.workers.orchestrating import Builds
from tests.workers.processes import WorkerOptions, ended, serve, started_process, worker_processes

__all__ = ["Load", "Measured", "measure"]

_WITHIN_S = 60.0
_NOWHERE = "http://127.0.0.1:9"
"""Where the model would be, were it not in the process that does the task."""
_SIMULATED = SimulateSettings(ttft_s=0.0, tokens_per_s=1e6)
_PROMPT = "What is to be done, and what is known of it. " * 120
_ANSWER = "x = 1  # a line of what a model answers\n" * 80
_API = ModuleApi((FunctionSpec("made(name: str) -> str", "Makes one."),))
_WARM = 5
"""Modules of the builds that go before, so that everything is loaded and connected."""


@dataclass(frozen=True, slots=True)
class Load:
    """Builds of `modules` modules, all begun at once; `places` tasks at once in all.

    Without `workers` the orchestrator does the tasks. The model sleeps for as long as the workload says,
    times `scale`; with `simulated` it is the one behind a gateway, which answers as fast as it can.
    """

    builds: int
    modules: int
    workers: int
    places: int = 64
    concurrency: int = 16
    """Of each worker."""
    scale: float = 0.0
    simulated: bool = False

    @property
    def tasks(self) -> dict[Task, tuple[Task, ...]]:
        """The tasks of one build, with those that each needs."""
        after = {task: needs or (AUDITOR,) for task, needs in build_tasks(plan(self.modules)).items()}
        return {ANALYST: (), AUDITOR: (ANALYST,), **after}

    @property
    def lower_bound_s(self) -> float:
        """max(critical path, work / places) of one build."""
        return lower_bound_s(self.tasks, self.places, self.scale)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a load took: seconds, of the wall and of the processor for each part."""

    wall_s: float
    tasks: int
    cpu_s: Mapping[str, float]
    begins_s: float
    """From when a task was handed to its executor until the model is asked, the median."""
    known_s: float
    """From when the model has answered until the orchestrator has the result, the median.

    Where the orchestrator does the task itself, what the task did is still on its way to Redis then.
    """

    def a_task_us(self, part: str) -> float:
        """Microseconds of processor for each task."""
        return 1e6 * self.cpu_s[part] / self.tasks

    def processors(self, part: str) -> float:
        """How many processors it kept busy."""
        return self.cpu_s[part] / self.wall_s


async def measure(load: Load) -> Measured:
    """Measure one load, on a Redis, an orchestrator and workers of its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(embedded_redis())
        pids, model_url = {"Redis": [server.pid]}, _NOWHERE
        if load.simulated:
            settings = GatewaySettings(upstream=_SIMULATED, token="a token for benchmarks")  # noqa: S106
            gateway = await stack.enter_async_context(running_gateway(settings))
            await gateway.open_run("bench", slots=10_000)
            pids["model"], model_url = [gateway.pid], gateway.ollama_host("bench")
        workers = stack.enter_context(
            worker_processes(server.url, folder / "workers", concurrency=load.concurrency, takeover_s=30.0)
        )
        if load.workers:
            sleeping = {"target": _serve_sleeping, "more": (load.scale, folder / "spans")}
            names = await workers.started(load.workers, **({} if load.simulated else sleeping))
            pids["workers"] = [workers.pid(name) for name in names]
        builds = Builds(server.url, model_url, folder, (), load.places, by_workers=load.workers > 0)
        process = started_process(_orchestrate, load, builds, pids)
        code = await ended(process, _WITHIN_S + 2.0 * load.builds)
        if code != 0:
            raise RuntimeError(f"the builds ended with {code}")
        return Measured(**json.loads((folder / "measured").read_text()))


def _serve_sleeping(options: WorkerOptions, name: str, scale: float, spans: Path) -> None:
    """Be a worker whose tasks are done by a model that sleeps."""
    noted = os.open(spans, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    def note(span: str) -> None:
        os.write(noted, span.encode())

    task_worker.performer = lambda *_, **__: _sleeping(scale, note)  # type: ignore[attr-defined]
    serve(options, name)


def _sleeping(scale: float, note: Callable[[str], None]) -> Perform:
    """A model that sleeps, and writes about as much as one does; the idea of an order names its build."""

    async def perform(task: Task, inputs: Inputs) -> TaskReport:
        began_s = time.monotonic()
        await asyncio.sleep(duration_s(task, scale))
        prompt, answer = f"{task}: {_PROMPT}", f"# {task}\n{_ANSWER}"
        attempt = Attempt(task.role, task.module, 1, prompt, answer, AttemptStatus.OK, None, timestamp())
        report = TaskReport(task, (AttemptMade(attempt), *_changes(task, inputs, answer)))
        note(f"{inputs.order.idea} {task} {began_s} {time.monotonic()}\n")
        return report

    return perform


def _changes(task: Task, inputs: Inputs, answer: str) -> tuple[Change, ...]:
    match task.role:
        case Role.ANALYST:
            return (PlanMade(plan(len(inputs.order.hints))),)
        case Role.ARCHITECT:
            return (ApiDesigned(task.module or "", _API),)
        case Role.DEVELOPER:
            return (FileWritten(inputs.made_plan.module(task.module or "").filename, answer),)
        case Role.INTEGRATOR:
            return (FileWritten("main.py", answer),)
    return ()


@dataclass(slots=True)
class _Handed:
    """When tasks were handed to the executor and when their results were there, by build and task."""

    spans: dict[str, tuple[float, float]] = field(default_factory=dict)

    def watch(self, executor: type[TaskExecutor]) -> None:
        """Note it for all executors of this kind."""
        execute = executor.execute

        async def noted(this: TaskExecutor, assignment: Assignment) -> TaskResult:
            began_s = time.monotonic()
            result = await execute(this, assignment)
            self.spans[f"{assignment.order.idea} {assignment.task}"] = began_s, time.monotonic()
            return result

        executor.execute = noted  # type: ignore[method-assign]


def _orchestrate(load: Load, builds: Builds, pids: Mapping[str, list[int]]) -> None:
    """Make the builds and write down what they took."""
    os.environ["OLLAMA_HOST"] = builds.model_url
    handed = _Handed()
    handed.watch(DocketExecutor if load.workers else LocalExecutor)
    measured = asyncio.run(_build_all(load, builds, pids, handed))
    (builds.folder / "measured").write_text(json.dumps(asdict(measured)))


async def _build_all(load: Load, builds: Builds, pids: Mapping[str, list[int]], handed: _Handed) -> Measured:
    lines: list[str] = []
    perform = None if load.workers or load.simulated else _sleeping(load.scale, lines.append)
    async with _engines(builds, perform) as engines:
        warm_up = replace(load, builds=max(1, load.workers), modules=_WARM)
        await _build(engines, builds.folder, warm_up, "warm")
        collect_seldom()
        handed.spans.clear()
        clocks = {"orchestrator": [os.getpid()], **pids}
        began_s, before_s = time.monotonic(), {part: _cpu_s(those) for part, those in clocks.items()}
        await _build(engines, builds.folder, load, "run")
        wall_s = time.monotonic() - began_s
        cpu_s = {part: _cpu_s(those) - before_s[part] for part, those in clocks.items()}
    noted = builds.folder / "spans"
    done = _spans(noted.read_text() if noted.exists() else "".join(lines))
    both = [(handed.spans[name], done[name]) for name in handed.spans if name in done]
    return Measured(
        wall_s,
        len(handed.spans),
        cpu_s,
        median([there[0] - here[0] for here, there in both] or [0.0]),
        median([here[1] - there[1] for here, there in both] or [0.0]),
    )


@asynccontextmanager
async def _engines(builds: Builds, perform: Perform | None) -> AsyncIterator[AsyncEngines]:
    async with open_engines(builds.settings, perform) as engines:
        yield engines


async def _build(engines: AsyncEngines, folder: Path, load: Load, called: str) -> None:
    hints = tuple(
        ModuleHint(each.name, each.module_type, "Things with a name", each.requires)
        for each in plan(load.modules).modules
    )

    async def built(run: str) -> None:
        async with engines.engine(run, folder / run) as engine:
            outcome = await engine.build(Order(run, hints))
        if outcome.failures:
            raise RuntimeError(f"{run} failed: {outcome.failures}")

    async with asyncio.TaskGroup() as group:
        for number in range(load.builds):
            group.create_task(built(f"{called}{number}"))


def _spans(text: str) -> dict[str, tuple[float, float]]:
    found = {}
    for line in text.splitlines():
        run, task, began_s, ended_s = line.split()
        found[f"{run} {task}"] = float(began_s), float(ended_s)
    return found


def _cpu_s(pids: list[int]) -> float:
    """The processor time of processes, all their threads together."""
    # The id of another process's clock, as clock_getcpuclockid(3) makes it up on Linux.
    return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)
