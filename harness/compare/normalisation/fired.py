"""How often a rule put something aside, on either side of a comparison."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["RuleFired", "Side"]


class Side(StrEnum):
    """Which of the two runs."""

    CONTROL = "control"
    CANDIDATE = "candidate"

    @property
    def other(self) -> Side:
        """The other of the two."""
        return Side.CANDIDATE if self is Side.CONTROL else Side.CONTROL


class RuleFired(BaseModel):
    """How many values of either run a rule put aside."""

    model_config = ConfigDict(frozen=True)

    rule: str
    control: int
    candidate: int
