"""Manifests of runs made by hand."""

from __future__ import annotations

from typing import Any

from harness.engines.composition import parse_engine
from harness.gateway.settings import SimulateSettings
from harness.record import ModelFacts, RunManifest, RunSettings, Sitting, StatePlace
from harness.spec import Spec

__all__ = ["make_manifest"]

SITTING = Sitting(began_at="2024-05-01T10:30:00.000+00:00", pid=4711, host="here")


def make_manifest(run: str = "run", **parts: Any) -> RunManifest:
    """The manifest of a run of the async engine whose state is in an embedded Redis."""
    made: dict[str, Any] = {
        "id": run,
        "spec": Spec(name="shop", idea="a shop"),
        "engine": "async",
        "composition": parse_engine("async").as_flags(),
        "not_resumable": None,
        "settings": RunSettings(
            model="simulated",
            slots=4,
            redis_patience_s=1.0,
            time_scale=1.0,
            faults=(),
            simulated=SimulateSettings(),
            call_timeout_s=600.0,
            deadline_s=3600.0,
        ),
        "model": ModelFacts(kind="simulated", name="m"),
        "state": StatePlace(server="embedded", url="unix:///tmp/socket", data_dir="redis/session"),
        "sittings": (SITTING,),
    }
    return RunManifest(**(made | parts))
