"""A failure in a run, as its engine reports it and its record keeps it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from agents.conversation import Cause

__all__ = ["Failure"]


class Failure(BaseModel):
    """Something that failed: which task (or `engine`, `state`), where the fault lies, why."""

    model_config = ConfigDict(frozen=True)

    task: str
    cause: Cause
    reason: str
