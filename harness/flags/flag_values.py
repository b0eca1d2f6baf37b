"""The values of all flags at one moment: how far the migration has come."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from async_arch.composition import AgentCalls, Generation, Orchestration, StateStoreKind

__all__ = ["CanaryShare", "EngineMode", "FlagValues", "Generation"]

CanaryShare = Annotated[int, Field(ge=0, le=100)]
"""Percent of all spec names."""


class EngineMode(StrEnum):
    """Whose result people get."""

    LEGACY = "legacy"
    SHADOW = "shadow"
    """That of legacy; async builds the same beside it and is compared."""
    CANARY = "canary"
    """That of async for a share of the specs, that of legacy for the others."""
    ASYNC = "async"


class FlagValues(BaseModel):
    """One value for each flag; `canary` says which share async serves, and is 0 in every other mode."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_store: StateStoreKind = StateStoreKind.JSON
    agent_calls: AgentCalls = AgentCalls.BLOCKING
    orchestration: Orchestration = Orchestration.SEQUENTIAL
    generation: Generation = Generation.LLM
    engine: EngineMode = EngineMode.LEGACY
    canary: CanaryShare = 0

    @model_validator(mode="after")
    def _share_of_canary(self) -> Self:
        if (self.engine is EngineMode.CANARY) != (0 < self.canary < 100):
            raise ValueError(
                f"engine {self.engine} with a canary share of {self.canary} %: a canary has a share from 1 "
                "to 99, and nothing else has one"
            )
        return self

    @property
    def engine_shown(self) -> str:
        """The engine's mode as people write it: `canary:25`."""
        return f"{self.engine}:{self.canary}" if self.engine is EngineMode.CANARY else self.engine.value

    def as_shown(self) -> dict[str, str]:
        """The value of each flag as people write it."""
        return {
            "state_store": self.state_store.value,
            "agent_calls": self.agent_calls.value,
            "orchestration": self.orchestration.value,
            "generation": self.generation.value,
            "engine": self.engine_shown,
        }
