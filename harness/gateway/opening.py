"""The composition root of the gateway: puts the upstream together that the settings ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from harness.gateway.clock import Clock
from harness.gateway.faults import FaultRule, FaultyUpstream
from harness.gateway.hosts.outages import OutageLog
from harness.gateway.jitter import Jitter
from harness.gateway.live import LiveUpstream
from harness.gateway.local_model.process import running_local_model
from harness.gateway.settings import (
    AbsentSettings,
    ContinueSettings,
    LiveSettings,
    LocalSettings,
    PoolSettings,
    RecordSettings,
    ReplaySettings,
    SimulateSettings,
    UpstreamSettings,
)
from harness.gateway.upstream import Upstream

__all__ = ["open_upstream"]

_RECORDED_AS = {"simulate": "simulated", "live": "ollama", "pool": "ollama", "local": "local"}


@asynccontextmanager
async def open_upstream(
    settings: UpstreamSettings,
    faults: Sequence[FaultRule],
    clock: Clock,
    outages: OutageLog | None = None,
) -> AsyncIterator[Upstream]:
    """What answers as `settings` say, and goes wrong as `faults` do.

    Which of several hosts is left out, and when, goes into `outages`. Its connections and processes are gone
    when the block is left. Raises `GatewayStartError`.
    """
    async with _answering(settings, clock, outages or OutageLog()) as upstream:
        # Before a recording, not behind it: a cassette holds what the model said.
        yield FaultyUpstream(upstream, faults, clock) if faults else upstream


@asynccontextmanager
async def _answering(settings: UpstreamSettings, clock: Clock, outages: OutageLog) -> AsyncIterator[Upstream]:
    match settings:
        case LiveSettings():
            async with LiveUpstream.connected(settings.url, settings.upstream_timeout_s) as upstream:
                yield upstream
        case PoolSettings():
            # As what is below: only where it is asked for is it loaded. The first call waits for the gateway.
            from harness.gateway.hosts.pool import PoolUpstream

            async with PoolUpstream.opened(settings, clock, outages) as pool:
                yield pool
        case AbsentSettings():
            from harness.gateway.absent import AbsentUpstream

            yield AbsentUpstream()
        case LocalSettings():
            async with (
                running_local_model(settings) as url,
                LiveUpstream.connected(
                    url, settings.upstream_timeout_s, called="the local model"
                ) as upstream,
            ):
                yield upstream
        case SimulateSettings():
            from harness.gateway.simulate import Latency, SimulatedUpstream
            from harness.gateway.simulated import answer

            latency = Latency(settings.ttft_s, settings.tokens_per_s)
            jitter = Jitter(settings.jitter, settings.jitter_seed)
            yield SimulatedUpstream(answer, latency, clock, jitter)
        case RecordSettings() | ContinueSettings():
            from harness.gateway.cassette import ContinuingUpstream, RecordingUpstream, ReplayUpstream

            kind = _RECORDED_AS[settings.upstream.kind]
            async with (
                _answering(settings.upstream, clock, outages) as answering,
                RecordingUpstream.into(settings.folder, answering, kind, clock) as recording,
            ):
                if isinstance(settings, RecordSettings):
                    yield recording
                else:
                    replay = ReplayUpstream(settings.folder, 0, clock, whole_only=True)
                    yield ContinuingUpstream(replay, recording)
        case ReplaySettings():
            from harness.gateway.cassette import ReplayUpstream

            yield ReplayUpstream(settings.folder, settings.time_scale, clock)
