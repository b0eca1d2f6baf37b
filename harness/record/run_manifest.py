"""The manifest of a run, `run.json`: what it was begun with, so that it can be watched and, cut off, resumed.

Nothing in it is secret: a URL is written down without its password.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from async_arch.estimates import TaskWeights
from harness.flags import PinnedFlags
from harness.gateway.settings import SimulateSettings
from harness.record.fingerprint import Fingerprint
from harness.record.run_record import ModelFacts
from harness.record.workers_choice import WorkersChoice
from harness.spec import Spec

__all__ = ["RunManifest", "RunSettings", "RunWeights", "Sitting", "StatePlace"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Sitting(_Frozen):
    """One harness's work on a run: the first began it, each further one took it up again."""

    began_at: str
    """ISO timestamp."""
    pid: int
    host: str


class RunSettings(_Frozen):
    """The settings of the session that make a difference to a run."""

    model: str
    """The choice of the model as it came out, in the words of `--model`: `auto` is never one."""
    slots: int
    redis_patience_s: float
    time_scale: float
    faults: tuple[str, ...]
    simulated: SimulateSettings
    call_timeout_s: float
    deadline_s: float
    templates: str | None = None
    """The folder with templates that took the place of ours."""
    workers: WorkersChoice | None = None
    """The workers that do its tasks, where any do."""


@dataclass(frozen=True, slots=True)
class RunWeights:
    """By what the tasks of a run were ordered, and from which runs that was learnt; by default from none."""

    weights: TaskWeights = field(default_factory=TaskWeights)
    learnt_from: tuple[str, ...] = ()


class StatePlace(_Frozen):
    """Where in Redis the state of a run lies."""

    server: str
    """The server as people read of it."""
    url: str
    """Without its password. Of an embedded server the socket, which is there while the sitting lasts."""
    needs_password: bool = False
    """Whether the server is reached with a password that is not written down."""
    data_dir: str | None = None
    """The data of an embedded server, relative to the store; None for a server at a URL."""


class RunManifest(_Frozen):
    """What a run was begun with."""

    schema_version: int = 1
    id: str
    spec: Spec
    engine: str
    composition: dict[str, str]
    """The flags the engine was composed of, pinned when the run began."""
    not_resumable: str | None
    """Why the run cannot be resumed where it is cut off; None where it can be."""
    settings: RunSettings
    model: ModelFacts
    state: StatePlace | None
    """None where no Redis was used."""
    flags: PinnedFlags | None = None
    """The flags of the migration as they were pinned to it; None where no flag chose its engine."""
    fingerprint: Fingerprint | None = None
    """Of what it was begun by; None where the manifest is from before there were fingerprints."""
    weights: RunWeights | None = None
    """By what its tasks are ordered; None where its engine does not choose, or the manifest is older."""
    sittings: tuple[Sitting, ...] = Field(min_length=1)

    @property
    def began_at(self) -> str:
        """When the run began; an ISO timestamp."""
        return self.sittings[0].began_at

    @property
    def finalized(self) -> bool:
        """Whether it was begun after the way back to JSON had been given up."""
        return self.flags is not None and self.flags.finalized

    @property
    def owner(self) -> Sitting:
        """Whoever worked on the run last, and does so still if that process lives."""
        return self.sittings[-1]
