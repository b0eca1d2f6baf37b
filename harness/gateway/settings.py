"""The settings of a gateway process, as its owner hands them over."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.gateway.defaults import LOOPBACK, TOKENS_PER_S, TTFT_S
from harness.gateway.faults import FaultRule
from harness.gateway.ollama_facts import OllamaFacts

__all__ = [
    "LOOPBACK",
    "AbsentSettings",
    "AnsweringSettings",
    "ContinueSettings",
    "GatewaySettings",
    "HostSettings",
    "LiveSettings",
    "LocalSettings",
    "PoolSettings",
    "RecordSettings",
    "ReplaySettings",
    "SimulateSettings",
    "UpstreamSettings",
]


class SimulateSettings(BaseModel):
    """The simulated model, and how long it takes."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    kind: Literal["simulate"] = "simulate"
    ttft_s: float = Field(default=TTFT_S, ge=0)
    """Seconds from the slot to the first token."""
    tokens_per_s: float = Field(default=TOKENS_PER_S, gt=0)
    jitter: float = Field(default=0.0, ge=0, le=1)
    """By which share of itself a call's times may be longer or shorter, evenly spread."""
    jitter_seed: int | None = None
    """What the jitter of a request is drawn from; without it every run draws anew."""


class LiveSettings(BaseModel):
    """A real Ollama."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    kind: Literal["live"] = "live"
    url: str
    upstream_timeout_s: float = Field(default=600.0, gt=0)
    """How long it may be silent, before its answer and within it."""


class HostSettings(BaseModel):
    """One of several Ollamas: how many calls at once it takes, and what it said of itself, if it answered."""

    model_config = ConfigDict(frozen=True)

    url: str
    slots: int = Field(ge=1)
    facts: OllamaFacts | None = None


class PoolSettings(BaseModel):
    """Several Ollamas as one."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    kind: Literal["pool"] = "pool"
    hosts: tuple[HostSettings, ...] = Field(min_length=1)
    upstream_timeout_s: float = Field(default=600.0, gt=0)
    """How long each may be silent, and how long a call waits while none of them answers."""


class AbsentSettings(BaseModel):
    """No model: those who do the tasks have one of their own."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["absent"] = "absent"


class LocalSettings(BaseModel):
    """The local model, which the gateway runs in a process of its own."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    kind: Literal["local"] = "local"
    slots: int = Field(default=4, ge=1)
    """How many answers it works on at once; each takes 190 MB of memory."""
    upstream_timeout_s: float = Field(default=600.0, gt=0)
    """How long it may be silent, before its answer and within it."""


AnsweringSettings = Annotated[
    SimulateSettings | LiveSettings | PoolSettings | LocalSettings, Field(discriminator="kind")
]
"""What answers by itself, and can be recorded."""


class RecordSettings(BaseModel):
    """A model whose answers are kept as cassettes in `folder`."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["record"] = "record"
    folder: Path
    upstream: AnsweringSettings


class ContinueSettings(BaseModel):
    """Cassettes that answer what they hold, at once, and a model whose other answers are added to them."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["continue"] = "continue"
    folder: Path
    upstream: AnsweringSettings


class ReplaySettings(BaseModel):
    """The cassettes in `folder` in the place of a model."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    kind: Literal["replay"] = "replay"
    folder: Path
    time_scale: float = Field(default=1.0, ge=0)
    """What the recorded times are multiplied with; 0 answers at once."""


UpstreamSettings = Annotated[
    SimulateSettings
    | LiveSettings
    | PoolSettings
    | LocalSettings
    | AbsentSettings
    | RecordSettings
    | ContinueSettings
    | ReplaySettings,
    Field(discriminator="kind"),
]


class GatewaySettings(BaseModel):
    """What stands behind the gateway, and the token that opens its control API."""

    model_config = ConfigDict(frozen=True)

    upstream: UpstreamSettings
    faults: tuple[FaultRule, ...] = ()
    """What is to go wrong, of which the first rule that fits a call acts."""
    token: str = Field(min_length=16, repr=False)
    address: str = LOOPBACK
    """The address of this machine to listen on."""
    port: int = Field(default=0, ge=0, le=65535)
    """The port to listen on; 0 takes a free one."""
