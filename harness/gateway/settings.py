"""The settings of a gateway process, as its owner hands them over."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LOOPBACK", "GatewaySettings", "LiveSettings", "SimulateSettings"]

LOOPBACK = "127.0.0.1"
"""The address a gateway listens on."""


class SimulateSettings(BaseModel):
    """The simulated model, and how long it takes."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    kind: Literal["simulate"] = "simulate"
    ttft_s: float = Field(default=0.1, ge=0)
    """Seconds from the slot to the first token."""
    tokens_per_s: float = Field(default=800.0, gt=0)


class LiveSettings(BaseModel):
    """A real Ollama."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    kind: Literal["live"] = "live"
    url: str
    upstream_timeout_s: float = Field(default=600.0, gt=0)
    """How long it may be silent, before its answer and within it."""


class GatewaySettings(BaseModel):
    """What stands behind the gateway, and the token that opens its control API."""

    model_config = ConfigDict(frozen=True)

    upstream: Annotated[SimulateSettings | LiveSettings, Field(discriminator="kind")]
    token: str = Field(min_length=16, repr=False)
