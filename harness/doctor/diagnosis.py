"""The diagnosis: all that was looked at, measured and predicted."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.doctor.finding import Finding, Level
from harness.doctor.measurement import Measurement
from harness.doctor.prediction import Prediction

__all__ = ["Diagnosis", "exit_code_of"]


class Diagnosis(BaseModel):
    """What the doctor found."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = 1
    simulated: bool
    """Whether what answered stands in for a model."""
    findings: tuple[Finding, ...]
    measured: tuple[Measurement, ...]
    """Of each host; empty where nothing could be measured."""
    prediction: Prediction | None
    """None without a spec, or where nothing was measured."""


def exit_code_of(diagnosis: Diagnosis) -> int:
    """1 where a finding is a problem; 3 where a host was not measured beyond one call at a time; else 0."""
    if any(finding.level is Level.PROBLEM for finding in diagnosis.findings):
        return 1
    alone = any(host.short is not None and len(host.steps) == 1 for host in diagnosis.measured)
    return 3 if alone else 0
