"""A gateway alone: one address that speaks the Ollama API, for any client, without the harness around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.gateway.clock import MonotonicClock
from harness.gateway.faults import FaultRule
from harness.gateway.opening import open_upstream
from harness.gateway.run import OnRecord, Runs
from harness.gateway.server import serving_alone
from harness.gateway.settings import UpstreamSettings

__all__ = ["Address", "parse_address", "serve_alone"]

_RUN = "standalone"
_MOST = 65535


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 takes a free one."""

    host: str
    port: int

    def url(self, port: int) -> str:
        """The address in a URL, with the port that it came to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}"


def parse_address(text: str) -> Address:
    """The address in `HOST:PORT` or `PORT` (then of the loopback interface); raises `ValueError`."""
    host, colon, port = text.rpartition(":")
    if not port.isascii() or not port.isdigit() or int(port) > _MOST or (colon and not host):
        raise ValueError(f"{text!r} is no address to listen on: say HOST:PORT, such as 127.0.0.1:11435")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


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
