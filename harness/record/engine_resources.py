"""What the process of an engine used."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["EngineResources"]


class EngineResources(BaseModel):
    """What the process of an engine used, measured by itself between its first step and its last."""

    model_config = ConfigDict(frozen=True)

    cpu_s: float
    """User and system time of the process, all of its threads."""
    peak_rss: int
    """Bytes."""
    open_sockets: int
    """Sockets that were open after its last step and not before its first."""
    open_files: int
    """Other descriptors that were open after its last step and not before its first."""
    peak_sockets: int = 0
    """The most sockets that it had open at an event and not before its first step."""
    starved_s: float | None = None
    """How long its main thread was ready and had no processor; None where the system does not say."""
