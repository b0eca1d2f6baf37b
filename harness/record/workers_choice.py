"""Which workers do the tasks of a run, where any do, and where they reach its gateway."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from harness.gateway.defaults import LOOPBACK, QUEUE, WORKERS_WAIT_S

__all__ = ["WorkersChoice"]


class WorkersChoice(BaseModel):
    """The workers of `queue`; of them, those whose code is the build's."""

    model_config = ConfigDict(frozen=True)

    queue: str = QUEUE
    wait_s: float | None = WORKERS_WAIT_S
    """For how long a build waits where there are none, before it fails; None: it waits."""
    gateway_address: str = LOOPBACK
    """`HOST` or `HOST:PORT`: where on this machine the gateway listens; workers elsewhere must reach it."""
