"""The composition root of the gateway: puts the upstream together that the settings ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from harness.gateway.cassette import RecordingUpstream, ReplayUpstream
from harness.gateway.clock import Clock
from harness.gateway.faults import FaultRule, FaultyUpstream
from harness.gateway.live import LiveUpstream
from harness.gateway.local_model.process import running_local_model
from harness.gateway.settings import (
    LiveSettings,
    LocalSettings,
    RecordSettings,
    ReplaySettings,
    SimulateSettings,
    UpstreamSettings,
)
from harness.gateway.simulate import Latency, SimulatedUpstream
from harness.gateway.simulated import answer
from harness.gateway.upstream import Upstream

__all__ = ["open_upstream"]

_RECORDED_AS = {"simulate": "simulated", "live": "ollama", "local": "local"}


@asynccontextmanager
async def open_upstream(
    settings: UpstreamSettings, faults: Sequence[FaultRule], clock: Clock
) -> AsyncIterator[Upstream]:
    """What answers as `settings` say, and goes wrong as `faults` do.

    Its connections and processes are gone when the block is left. Raises `GatewayStartError`.
    """
    async with _answering(settings, clock) as upstream:
        # Before a recording, not behind it: a cassette holds what the model said.
        yield FaultyUpstream(upstream, faults, clock) if faults else upstream


@asynccontextmanager
async def _answering(settings: UpstreamSettings, clock: Clock) -> AsyncIterator[Upstream]:
    match settings:
        case LiveSettings():
            async with LiveUpstream.connected(settings.url, settings.upstream_timeout_s) as upstream:
                yield upstream
        case LocalSettings():
            async with (
                running_local_model(settings) as url,
                LiveUpstream.connected(
                    url, settings.upstream_timeout_s, called="the local model"
                ) as upstream,
            ):
                yield upstream
        case SimulateSettings():
            yield SimulatedUpstream(answer, Latency(settings.ttft_s, settings.tokens_per_s), clock)
        case RecordSettings():
            kind = _RECORDED_AS[settings.upstream.kind]
            async with (
                _answering(settings.upstream, clock) as answering,
                RecordingUpstream.into(settings.folder, answering, kind, clock) as recording,
            ):
                yield recording
        case ReplaySettings():
            yield ReplayUpstream(settings.folder, settings.time_scale, clock)
