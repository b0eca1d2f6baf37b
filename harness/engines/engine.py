"""The contract of an engine: given a job, it builds a project and says how that went."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agents.build import MirrorReport, TaskEvent
from async_arch.estimates import TaskWeights
from async_arch.workers.settings import WorkersSettings
from harness.record import EngineResources, ExternalPlace, Failure, Leaves
from harness.spec import Spec

__all__ = ["Engine", "EngineJob", "EngineResult"]


@dataclass(frozen=True, slots=True)
class EngineJob:
    """One build, as an engine gets it. What it writes goes to `project_dir`, empty unless it resumes."""

    run: str
    spec: Spec
    model: str
    project_dir: Path
    log: Path
    """Where what the engine prints goes."""
    ollama_host: str
    redis_url: str
    slots: int
    call_timeout_s: float
    deadline_s: float
    begin: Callable[[], Awaitable[None]]
    """Awaited when the engine is ready to work: the run's clock starts there."""
    end: Callable[[], Awaitable[None]]
    """Awaited as soon as the engine says how the build went: the run's clock stops there."""
    on_event: Callable[[TaskEvent], None]
    on_progress: Callable[[str], None]
    """Told how far it is, in a few words, by an engine that announces no events."""
    calls_so_far: Callable[[], Awaitable[str]]
    """How its conversation with the model stands, in a few words."""
    redis_patience_s: float = 0.0
    """How long Redis may be away before the build fails."""
    resume: bool = False
    """Whether the run was begun before and cut off: what is done already is not done again."""
    templates: Path | None = None
    """A folder with templates that take the place of ours, for hybrid generation."""
    exports_json: bool = True
    """Whether state that is in Redis is written as `blackboard.json` at the end; legacy always does so."""
    workers: WorkersSettings | None = None
    """The workers that do the tasks, where it has any do them."""
    weights: TaskWeights | None = None
    """What tasks take, for an engine that chooses which begins first; None: what it takes them for."""


@dataclass(frozen=True, slots=True)
class EngineResult:
    """How a build went by the engine's own account."""

    startup_s: float
    failures: tuple[Failure, ...] = ()
    skipped: tuple[str, ...] = ()
    events: tuple[TaskEvent, ...] = field(default=())
    mirror: MirrorReport | None = None
    """How the mirror of its blackboard kept up, where it has one."""
    external: ExternalPlace | None = None
    """Where an external engine worked; None for the engines of this project."""
    resources: EngineResources | None = None
    """What its process used; None where it came to no end or does not measure itself."""


class Engine(Protocol):
    """Something that builds projects, in a process of its own."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def flags(self) -> Mapping[str, str]:
        """What it is composed of, by flag."""

    @property
    def concurrent(self) -> bool | None:
        """Whether it can have several calls to the model under way; None where its calls must show it."""

    @property
    def needs_redis(self) -> bool:
        """Whether a job must carry a Redis URL."""

    @property
    def not_resumable(self) -> str | None:
        """Why a run of it that is cut off cannot be resumed; None where it can."""

    @property
    def leaves(self) -> frozenset[Leaves]:
        """What there is of a run of it to be compared, beside its calls and files."""

    async def run(self, job: EngineJob) -> EngineResult:
        """Build. What goes wrong in the engine is in the result; when cancelled nothing is left behind."""
