"""What the harness and an engine's process say to each other: JSON, a line each.

The harness writes a `WorkerJob`, waits for `Ready`, writes GO, and then reads events and at last a
`Finished`. The end of its standard input means to the worker that its owner is gone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from agents.build import EventKind, MirrorReport, TaskEvent
from agents.plan import ModuleHint, ModuleType
from agents.project import Order
from async_arch.estimates import TaskWeights
from async_arch.workers.settings import WorkersSettings
from harness.record.engine_resources import EngineResources
from harness.record.failure import Failure

__all__ = ["GO", "Finished", "Happened", "Ready", "WorkerJob", "WorkerMessage", "worker_message"]

GO = b"go\n"


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Hint(_Line):
    name: str
    module_type: ModuleType | None
    description: str
    requires: tuple[str, ...]


class WorkerJob(_Line):
    """One build; `flags` is what its engine is composed of."""

    family: Literal["legacy", "async"]
    flags: dict[str, str]
    run: str
    project_dir: str
    log: str | None = None
    """The file that what is printed goes to; None: where it goes already."""
    ollama_host: str | None = None
    """Where the model is; None: where the environment says."""
    idea: str
    hints: tuple[_Hint, ...]
    model: str
    options: dict[str, bool | int | float | str]
    redis_url: str
    redis_patience_s: float = 0.0
    concurrency: int
    call_timeout_s: float
    resume: bool = False
    """Whether the run was begun before and cut off."""
    templates: str | None = None
    """A folder with templates that take the place of ours."""
    exports_json: bool = True
    """Whether state that is in Redis is written as `blackboard.json` at the end."""
    workers: WorkersSettings | None = None
    """The workers that do its tasks; None: they are done in the process that is told."""
    weights: TaskWeights | None = None
    """What tasks take; None: what the engine takes them for."""

    @property
    def order(self) -> Order:
        """What is to be built."""
        return Order(
            self.idea,
            tuple(ModuleHint(h.name, h.module_type, h.description, h.requires) for h in self.hints),
        )


class Ready(_Line):
    """The engine is loaded and its clients are open."""

    kind: Literal["ready"] = "ready"
    waited_s: float = 0.0
    """How long it had nothing left to load and waited for its job."""


class Happened(_Line):
    """An event of the build."""

    kind: Literal["happened"] = "happened"
    event: EventKind
    at: str
    task: str
    detail: str
    calls: int
    prompt_tokens: int
    output_tokens: int
    retries: int
    takeovers: int

    @classmethod
    def of(cls, event: TaskEvent) -> Happened:
        """The line for `event`."""
        return cls(
            event=event.kind,
            at=event.at,
            task=event.task,
            detail=event.detail,
            calls=event.calls,
            prompt_tokens=event.prompt_tokens,
            output_tokens=event.output_tokens,
            retries=event.retries,
            takeovers=event.takeovers,
        )

    @property
    def task_event(self) -> TaskEvent:
        """The event that the line tells of."""
        return TaskEvent(
            self.event,
            self.at,
            self.task,
            self.detail,
            calls=self.calls,
            prompt_tokens=self.prompt_tokens,
            output_tokens=self.output_tokens,
            retries=self.retries,
            takeovers=self.takeovers,
        )


class Finished(_Line):
    """The build is over."""

    kind: Literal["finished"] = "finished"
    failures: tuple[Failure, ...]
    skipped: tuple[str, ...]
    mirror: MirrorReport | None = None
    resources: EngineResources | None = None


WorkerMessage = Ready | Happened | Finished

_ADAPTER: TypeAdapter[WorkerMessage] = TypeAdapter(Annotated[WorkerMessage, Field(discriminator="kind")])


def worker_message(line: bytes) -> WorkerMessage:
    """The message in `line`; raises pydantic's ValidationError where it is none."""
    return _ADAPTER.validate_json(line)
