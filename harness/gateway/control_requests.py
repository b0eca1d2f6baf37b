"""What the owner of a gateway says to its control API."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["OpenRun", "authorization"]


class OpenRun(BaseModel):
    """The request to open a run."""

    model_config = ConfigDict(frozen=True)

    id: str
    slots: int = Field(ge=1)
    cassette: str = ""
    journal: Path | None = None
    """The file that the calls are written to as they end; those it holds already are the run's too."""


def authorization(token: str) -> dict[str, str]:
    """The header that opens the control API."""
    return {"Authorization": f"Bearer {token}"}
