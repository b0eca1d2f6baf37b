"""The criteria of a phase: what must be shown before a step of it is taken; `[gates.N]` in harness.toml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from harness.compare.terms import Policy

__all__ = ["Criteria", "default_criteria"]

_Count = Annotated[int, Field(ge=0)]
_Share = Annotated[float, Field(ge=0, le=1)]


class Criteria(BaseModel):
    """What must be shown; every criterion has a default, and none is met by nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    specs: Annotated[int, Field(ge=1)] = 3
    """How many specs there must be evidence of."""
    runs: Annotated[int, Field(ge=1)] = 10
    """How many pairs of runs."""
    policy: Policy = Policy.EXACT
    """What counts as a mismatch: everything, or what breaks a promise."""
    mismatches: _Count = 0
    """How many pairs may differ."""
    drift: _Count = 0
    """How many mirrors may hold something else than they mirror."""
    errors: _Count = 0
    """How many of the candidate's runs may fail where the control's did not."""
    error_rate: _Share | None = None
    """Below which share of all runs its failures must lie, with 95 % confidence; None: not asked."""
    fallbacks: _Count = 0
    """How many builds may have fallen back to legacy."""
    min_speedup: Annotated[float, Field(gt=0)] | None = None
    """What the lower end of the speed-up's interval must reach, where the candidate is concurrent."""
    load_test: bool = False
    """Whether the load test must have been passed by this code."""
    seeded_suite: bool = False
    """Whether the suite of seeded regressions must have been passed by this code."""
    max_age_days: Annotated[float, Field(gt=0)] = 14.0
    """How old evidence may be."""
    approval: bool = False
    """Whether a person must have approved the step."""


_DEFAULTS = {
    1: Criteria(runs=5),
    2: Criteria(min_speedup=1.0),
    3: Criteria(policy=Policy.CONTRACT),
    4: Criteria(min_speedup=1.0),
}


def default_criteria(phase: int) -> Criteria:
    """The criteria of the phase of that number, where nobody has set any."""
    return _DEFAULTS[phase]
