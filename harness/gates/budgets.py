"""The budgets of a step that was taken, `[watch]` in harness.toml: what may go wrong before it is undone."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Budgets"]


class Budgets(BaseModel):
    """How much of what is borne."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    consecutive_errors: Annotated[int, Field(ge=1)] = 3
    """So many builds in a row that async failed at."""
    error_rate: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """The share of builds that async fails at which, with 95 % confidence, it must not lie above."""
    mismatches: Annotated[int, Field(ge=0)] = 0
    """How many pairs may differ."""
    drift: Annotated[int, Field(ge=0)] = 0
    """How many builds may leave something else in Redis, mirrored or kept there, than was written."""
    least_speedup: Annotated[float, Field(gt=0)] = 0.9
    """What the whole interval of the speed-up must not lie below."""
