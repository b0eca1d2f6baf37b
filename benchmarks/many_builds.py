"""Many builds at once in one process, which tells what they took: `python -m benchmarks.many_builds CROWD`.

The model sleeps, and answers with texts as long as those of a real one; state, files and events are real.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.api import FunctionSpec, ModuleApi
from agents.blackboard import ApiDesigned, AttemptMade, Change, FileWritten, PlanMade
from agents.conversation import Attempt, AttemptStatus
from agents.plan import Plan
from agents.project import Inputs, Order
from agents.roles import Role
from agents.workflow import ANALYST, AUDITOR, Task, TaskReport, build_tasks
from async_arch.embedded_redis import embedded_redis
from async_arch.engine import AsyncEngines, EngineSettings, open_engines, timestamp
from async_arch.performing import Perform
from benchmarks.workload import duration_s, lower_bound_s, plan, work_s

__all__ = ["Crowd", "Took", "build_at_once"]

_TIMEOUT_S = 900.0
_PROMPT = "What is to be done, and what is known of it. " * 120
_LINE = "x = 1  # a line of what a model answers\n"
_LINES = 80
_API = ModuleApi((FunctionSpec("made(name: str) -> str", "Makes one."),))
_GIANT = "giant"
_PAGE_MB = 4096 / 1e6
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Crowd:
    """Builds to make at once: so many, of `modules` modules each, on `places` places.

    The model's times are multiplied with `scale`. Where `giant` is not 0, a build of so many modules has
    taken all places before, and goes on.
    """

    builds: int
    modules: int
    places: int
    scale: float
    giant: int = 0

    @property
    def lower_bound_s(self) -> float:
        """max(critical path of one, all work / places), without the giant."""
        after = {task: needs or (AUDITOR,) for task, needs in build_tasks(plan(self.modules)).items()}
        tasks = {ANALYST: (), AUDITOR: (ANALYST,), **after}
        work = self.builds * work_s(tasks, self.scale)
        return max(lower_bound_s(tasks, None, self.scale), work / self.places)


@dataclass(frozen=True, slots=True)
class Took:
    """What a crowd took: seconds, and resident memory of the process in MB."""

    wall_s: float
    longest_s: float
    """Of any one build, from its begin to its end."""
    cpu_s: float
    began_mb: float
    most_mb: float


async def build_at_once(crowd: Crowd) -> Took:
    """Build them in a process of their own, so that its memory is theirs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.many_builds", json.dumps(asdict(crowd))), stdout=PIPE
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            told, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise RuntimeError(f"the builds failed with exit code {process.returncode}")
    return Took(**json.loads(told))


class _Model:
    """Sleeps for as long as the workload says, and writes about as much as a model does."""

    def __init__(self, scale: float) -> None:
        self._scale = scale

    def doing(self, made: Plan) -> Perform:
        """What does the tasks of a build with this plan."""

        async def perform(task: Task, inputs: Inputs) -> TaskReport:
            await asyncio.sleep(duration_s(task, self._scale))
            prompt, answer = f"{task}: {_PROMPT}", f"# {task}\n{_LINE * _LINES}"
            attempt = Attempt(task.role, task.module, 1, prompt, answer, AttemptStatus.OK, None, timestamp())
            return TaskReport(task, (AttemptMade(attempt), *_changes(task, made, answer)))

        return perform


def _changes(task: Task, made: Plan, answer: str) -> tuple[Change, ...]:
    match task.role:
        case Role.ANALYST:
            return (PlanMade(made),)
        case Role.ARCHITECT:
            return (ApiDesigned(task.module or "", _API),)
        case Role.DEVELOPER:
            return (FileWritten(made.module(task.module or "").filename, answer),)
        case Role.INTEGRATOR:
            return (FileWritten("main.py", answer),)
    return ()


async def _built(engines: AsyncEngines, run: str, folder: Path) -> float:
    began_s = time.monotonic()
    async with engines.engine(run, folder) as engine:
        outcome = await engine.build(Order(run))
    if outcome.failures:
        raise RuntimeError(f"{run} failed: {outcome.failures}")
    return time.monotonic() - began_s


async def _took(crowd: Crowd) -> Took:
    model = _Model(crowd.scale)
    small, large = model.doing(plan(crowd.modules)), model.doing(plan(max(crowd.giant, 1)))
    busy = asyncio.Event()

    async def perform(task: Task, inputs: Inputs) -> TaskReport:
        giant = inputs.order.idea == _GIANT
        if giant and task.role is Role.DEVELOPER:
            busy.set()
        return await (large if giant else small)(task, inputs)

    async with embedded_redis() as server:
        settings = EngineSettings(redis_url=server.url, concurrency=crowd.places)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            async with open_engines(settings, perform) as engines, asyncio.TaskGroup() as around:
                watch = around.create_task(_most_memory())
                giant = around.create_task(_built(engines, _GIANT, folder / _GIANT)) if crowd.giant else None
                if giant is not None:
                    await busy.wait()
                began_mb, began_s, cpu_s = _memory_mb(), time.monotonic(), time.process_time()
                async with asyncio.TaskGroup() as group:
                    builds = [
                        group.create_task(_built(engines, f"build{number}", folder / f"build{number}"))
                        for number in range(crowd.builds)
                    ]
                took = Took(
                    wall_s=time.monotonic() - began_s,
                    longest_s=max(build.result() for build in builds),
                    cpu_s=time.process_time() - cpu_s,
                    began_mb=began_mb,
                    most_mb=max(_peak.pop(), _memory_mb()),
                )
                watch.cancel()
                if giant is not None:
                    giant.cancel()
    return took


_peak = [0.0]


async def _most_memory() -> None:
    while _peak:
        _peak[0] = max(_peak[0], _memory_mb())
        await asyncio.sleep(_LOOK_S)


def _memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_MB


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_took(Crowd(**json.loads(sys.argv[1])))))))  # noqa: T201
