"""The record of a run: what one engine did with one spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import deferred_exports

if TYPE_CHECKING:
    from harness.record.behaviour import BehaviourRecord, RouteAnswer, TestResult
    from harness.record.engine_resources import EngineResources
    from harness.record.failure import Failure
    from harness.record.run_manifest import RunManifest, RunSettings, RunWeights, Sitting, StatePlace
    from harness.record.run_record import (
        ExternalPlace,
        FileFacts,
        HostUse,
        Leaves,
        ModelFacts,
        OutcomeStatus,
        RunOutcome,
        RunRecord,
        RunSummary,
        TimelineSpan,
    )
    from harness.record.run_store import RunStore
else:
    # The process of an engine needs little of it.
    __getattr__ = deferred_exports(
        __name__,
        {
            "behaviour": (
                "BehaviourRecord",
                "RouteAnswer",
                "TestResult",
            ),
            "engine_resources": ("EngineResources",),
            "failure": ("Failure",),
            "run_manifest": (
                "RunManifest",
                "RunSettings",
                "RunWeights",
                "Sitting",
                "StatePlace",
            ),
            "run_record": (
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
            ),
            "run_store": ("RunStore",),
        },
    )

__all__ = [
    "BehaviourRecord",
    "EngineResources",
    "ExternalPlace",
    "Failure",
    "FileFacts",
    "HostUse",
    "Leaves",
    "ModelFacts",
    "OutcomeStatus",
    "RouteAnswer",
    "RunManifest",
    "RunOutcome",
    "RunRecord",
    "RunSettings",
    "RunStore",
    "RunSummary",
    "RunWeights",
    "Sitting",
    "StatePlace",
    "TestResult",
    "TimelineSpan",
]
