"""A process that has workers do the tasks of many builds at once, as an orchestrator of its own."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path

from agents.build import BuildOutcome
from agents.chat_protocol import ModelSettings
from async_arch.engine import AsyncEngines, EngineSettings, open_engines
from async_arch.workers.settings import WorkersSettings
from harness.record.fingerprint import tasks_code
from tests.crashes.builder import ORDER

__all__ = ["Builds", "build_all", "failures"]

_WAIT_S = 60.0
_CALL_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Builds:
    """Builds of `ORDER` under the names `runs`, each in a folder of that name; `places` tasks at once.

    Without `by_workers` the process does the tasks itself. With `resume` they go on where they were.
    """

    redis_url: str
    model_url: str
    folder: Path
    runs: tuple[str, ...]
    places: int = 64
    by_workers: bool = True
    resume: bool = False
    redis_patience_s: float = 60.0

    @property
    def told(self) -> Path:
        """The file for what failed, by run."""
        return self.folder / f"{self.runs[0]}.json"

    @property
    def settings(self) -> EngineSettings:
        """The engines of all of them."""
        workers = WorkersSettings("default", tasks_code(None), self.model_url, wait_s=_WAIT_S)
        return EngineSettings(
            redis_url=self.redis_url,
            redis_patience_s=self.redis_patience_s,
            concurrency=self.places,
            model=ModelSettings(call_timeout_s=_CALL_TIMEOUT_S),
            workers=workers if self.by_workers else None,
        )


def build_all(builds: Builds) -> None:
    """Build them all at once; `builds.told` says which failed."""
    os.environ["OLLAMA_HOST"] = builds.model_url
    outcomes = asyncio.run(_build_all(builds))
    failed = {
        run: "; ".join(f"{failure.task}: {failure.reason}" for failure in outcome.failures)
        for run, outcome in outcomes.items()
        if outcome.failures
    }
    builds.told.write_text(json.dumps(failed))


def failures(builds: Builds) -> dict[str, str]:
    """Which builds failed, and why."""
    found: dict[str, str] = json.loads(builds.told.read_text())
    return found


async def _build_all(builds: Builds) -> dict[str, BuildOutcome]:
    async with open_engines(builds.settings) as engines, asyncio.TaskGroup() as group:
        building = {run: group.create_task(_build(engines, builds, run)) for run in builds.runs}
    return {run: task.result() for run, task in building.items()}


async def _build(engines: AsyncEngines, builds: Builds, run: str) -> BuildOutcome:
    async with engines.engine(run, builds.folder / run) as engine:
        return await (engine.resume(ORDER) if builds.resume else engine.build(ORDER))
