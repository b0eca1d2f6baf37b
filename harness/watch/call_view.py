"""A call to the model as it is seen from outside: all that is known of an engine that says nothing."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["CallView"]


class CallView(BaseModel):
    """What a watcher needs of the record of a call."""

    model_config = ConfigDict(frozen=True)

    number: int
    """The order of arrival in the run, from 1."""
    role: str
    module: str | None
    status: int
    """The HTTP status that went to the caller."""
    error: str | None
    """Why no whole answer came; None if one did."""
    end_s: float
    """When it was over, in seconds since the run's begin."""
    prompt_tokens: int | None
    output_tokens: int | None

    @property
    def task(self) -> str:
        """For what it was made, named as tasks are."""
        return f"{self.role}:{self.module}" if self.module else self.role
