"""The record of a run: what one engine did with one spec."""

from harness.record.run_manifest import RunManifest, RunSettings, Sitting, StatePlace
from harness.record.run_record import (
    ExternalPlace,
    Failure,
    FileFacts,
    Leaves,
    ModelFacts,
    OutcomeStatus,
    RunOutcome,
    RunRecord,
    RunSummary,
    TimelineSpan,
)
from harness.record.run_store import RunStore

__all__ = [
    "ExternalPlace",
    "Failure",
    "FileFacts",
    "Leaves",
    "ModelFacts",
    "OutcomeStatus",
    "RunManifest",
    "RunOutcome",
    "RunRecord",
    "RunSettings",
    "RunStore",
    "RunSummary",
    "Sitting",
    "StatePlace",
    "TimelineSpan",
]
