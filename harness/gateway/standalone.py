"""A gateway alone: one address that speaks the Ollama API, for any client, without the harness around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from harness.gateway.clock import MonotonicClock
from harness.gateway.faults import FaultRule
from harness.gateway.listening_address import Address
from harness.gateway.opening import open_upstream
from harness.gateway.run import OnRecord, Runs
from harness.gateway.server import serving_alone
from harness.gateway.settings import UpstreamSettings

__all__ = ["serve_alone"]

_RUN = "standalone"


async def serve_alone(
    settings: UpstreamSettings,
    address: Address,
    *,
    faults: Sequence[FaultRule],
    slots: int,
    cassette: str,
    on_ready: Callable[[str], None],
    on_record: OnRecord,
) -> None:
    """Serve until cancelled. `on_ready` is told the URL, `on_record` every call when it is over.

    Raises `GatewayStartError` where it cannot listen at `address`.
    """
    clock = MonotonicClock()
    runs = Runs(clock)
    runs.open(_RUN, slots, cassette, on_record)
    async with (
        open_upstream(settings, faults, clock) as upstream,
        serving_alone(upstream, runs, _RUN, address.host, address.port) as port,
    ):
        on_ready(address.url(port))
        await asyncio.Event().wait()
