"""The process of the local model, owned: a URL at which it speaks the Ollama API while it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.gateway.owned_process import owned_process
from harness.gateway.settings import LOOPBACK, LocalSettings

__all__ = ["running_local_model"]

# Below the time that a gateway has to start: then it is the gateway that says what is wrong.
_START_TIMEOUT_S = 15.0


@asynccontextmanager
async def running_local_model(settings: LocalSettings) -> AsyncIterator[str]:
    """The URL of a local model that serves, and is gone when the block is left; `GatewayStartError`."""
    async with owned_process(
        "harness.gateway.local_model",
        settings,
        called="the local model",
        start_timeout_s=_START_TIMEOUT_S,
    ) as process:
        yield f"http://{LOOPBACK}:{process.port}"
