"""The model of a run's record."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from agents.build import MirrorReport, TaskEvent
from harness.gateway.calls import CallRecord, Outage
from harness.record.behaviour import BehaviourRecord
from harness.record.engine_resources import EngineResources
from harness.record.failure import Failure
from harness.record.fingerprint import Fingerprint
from harness.record.run_pace import RunPace

__all__ = [
    "ExternalPlace",
    "FileFacts",
    "HostUse",
    "Leaves",
    "ModelFacts",
    "OutcomeStatus",
    "RunOutcome",
    "RunRecord",
    "RunSummary",
    "TimelineSpan",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


# What failed where it was the run as a whole.
_NO_TASK = frozenset({"engine", "state"})


class OutcomeStatus(StrEnum):
    """How a run ended."""

    FINISHED = "finished"
    FAILED = "failed"
    """A task failed, or the engine did."""
    BROKEN = "broken"
    """The engine called it finished, and what it left is not whole."""


class RunOutcome(_Frozen):
    """How a run ended, as the harness judges it: never by the engine's word or exit code alone."""

    status: OutcomeStatus
    failures: tuple[Failure, ...] = ()
    skipped: tuple[str, ...] = ()
    """Tasks that were not begun because what they need failed."""
    defects: tuple[str, ...] = ()
    """What is not whole in a finished project, one sentence each."""

    @property
    def cut_off(self) -> bool:
        """Whether the engine never came to its end: it died, its time was up, or its state was lost."""
        return any(failure.task in _NO_TASK for failure in self.failures)


class FileFacts(_Frozen):
    """A generated file as it was found."""

    sha256: str
    size: int
    """Bytes."""
    mode: int | None = None
    """Who may read, write and execute it, as the system has it; None in records that do not say."""


class Leaves(StrEnum):
    """What an engine may leave of a run beside its calls and files."""

    BLACKBOARD = "blackboard"
    EVENTS = "events"


class ExternalPlace(_Frozen):
    """Where an external engine worked."""

    workdir: str
    """Its working directory, as it saw it; it is gone."""
    output: str
    """The folder of its result, relative to that; empty where it left none."""


class ModelFacts(_Frozen):
    """The model a run was made with."""

    kind: str
    """`simulated`, `ollama`, `local` or `replay`."""
    name: str
    url: str | None = None
    cassette: str | None = None
    """The file that was replayed or recorded into."""
    source: str | None = None
    """What gave the answers that were replayed (`ollama 0.12.3`, `simulated`); the local model's own name."""
    digest: str | None = None
    """The digest of the weights behind the answers, where it is known."""
    time_scale: float | None = None
    """What the recorded times were multiplied with in a replay; 0: answered at once."""


class TimelineSpan(_Frozen):
    """One call on the time axis of its run; times are seconds since the run's begin."""

    role: str
    module: str | None
    attempt: int
    arrival_s: float
    granted_s: float | None
    first_byte_s: float | None = None
    end_s: float
    status: int


class HostUse(_Frozen):
    """What one of several hosts of the model did in a run."""

    host: str
    """Its URL."""
    calls: int
    """How many it answered."""
    generating_s: float
    """How long these held its slots, all together."""
    outages: tuple[Outage, ...] = ()
    """When it was left out."""


class RunSummary(_Frozen):
    """What is known of a run besides its calls, events, blackboard and files: `record.json`."""

    schema_version: int = 1
    id: str
    spec: str
    engine: str
    composition: dict[str, str]
    """The flags the engine was composed of, pinned when the run began."""
    concurrent: bool
    """Whether the engine can have several calls under way."""
    model: ModelFacts
    slots: int
    faults: tuple[str, ...] = ()
    """The rules of what was to go wrong with the model."""
    redis: str | None
    """The server that held the state, without secrets; None where none was used."""
    began_at: str
    """ISO timestamp."""
    startup_s: float
    """From the start of the engine's process until it was ready to work; not part of `wall_s`.

    An external engine does not say when it is ready: for it, until its first call came.
    """
    wall_s: float
    """From the engine's first step until its last, on the gateway's clock."""
    outcome: RunOutcome
    files: dict[str, FileFacts]
    """Generated files by relative path."""
    malformed_requests: int
    other_requests: int
    leaves: tuple[Leaves, ...] = tuple(Leaves)
    """What the engine is known to leave; of the rest nothing can be missed."""
    external: ExternalPlace | None = None
    """Where an external engine worked; None for the engines of this project."""
    mirror: MirrorReport | None = None
    """How the mirror of its blackboard kept up, where it has one."""
    store: tuple[str, ...] | None = None
    """In what its state store differed at the end from what it left; None where nobody looked."""
    sittings: int = 1
    """How often work on it was begun; more than once where it was cut off and resumed."""
    resources: EngineResources | None = None
    """What its process used; None where that was not measured."""
    fingerprint: Fingerprint | None = None
    """Of what it was made by; None where the record is from before there were fingerprints."""
    hosts: tuple[HostUse, ...] = ()
    """What each host of the model did, where there were several."""
    resumable: bool = False
    """Whether it was cut off, and `harness resume` can go on with it."""
    pace: RunPace | None = None
    """What its tasks took, for later runs to learn from; None where its calls do not tell."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """All that one run did. `blackboard` is None where the engine left none that can be read."""

    summary: RunSummary
    calls: tuple[CallRecord, ...]
    events: tuple[TaskEvent, ...]
    blackboard: dict[str, object] | None
    folder: Path
    behaviour: BehaviourRecord | None = None
    """What its application did in the sandbox; None where it was not executed."""

    @property
    def timeline(self) -> tuple[TimelineSpan, ...]:
        """The calls as spans, in the order of their arrival."""
        return tuple(
            TimelineSpan(
                role=call.role,
                module=call.module,
                attempt=call.attempt,
                arrival_s=call.arrival_s,
                granted_s=call.granted_s,
                first_byte_s=call.first_byte_s,
                end_s=call.end_s,
                status=call.status,
            )
            for call in self.calls
        )

    def file(self, path: str) -> bytes:
        """The content of a generated file."""
        return (self.folder / "files" / path).read_bytes()
