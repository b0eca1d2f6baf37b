"""A finding: one thing that was looked at, how it stands, and what to do about it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["Finding", "Level"]


class Level(StrEnum):
    """How something stands, the worst last."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    """A comparison would fail, or the concurrent engine could not show what it can."""


class Finding(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True)

    name: str
    """What was looked at, in a word or two."""
    level: Level
    sentence: str
    help: str = ""
    """What to do about it; empty where there is nothing to do."""
