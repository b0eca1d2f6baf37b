"""A gateway as a process of its own: settings as one JSON line on stdin, its port as one on stdout.

It serves until SIGTERM, or until stdin ends: its owner holds the other end, so that the gateway goes with it,
however it goes.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import ValidationError

from harness.gateway.cassette import RecordingUpstream, ReplayUpstream
from harness.gateway.clock import Clock, MonotonicClock
from harness.gateway.live import LiveUpstream
from harness.gateway.server import serving
from harness.gateway.settings import (
    GatewaySettings,
    LiveSettings,
    RecordSettings,
    ReplaySettings,
    SimulateSettings,
    UpstreamSettings,
)
from harness.gateway.simulate import Latency, SimulatedUpstream
from harness.gateway.simulated import answer
from harness.gateway.upstream import Upstream


@asynccontextmanager
async def _upstream(settings: UpstreamSettings, clock: Clock) -> AsyncIterator[Upstream]:
    match settings:
        case LiveSettings():
            async with LiveUpstream.connected(settings.url, settings.upstream_timeout_s) as upstream:
                yield upstream
        case SimulateSettings():
            yield SimulatedUpstream(answer, Latency(settings.ttft_s, settings.tokens_per_s), clock)
        case RecordSettings():
            kind = "simulated" if isinstance(settings.upstream, SimulateSettings) else "ollama"
            async with (
                _upstream(settings.upstream, clock) as answering,
                RecordingUpstream.into(settings.folder, answering, kind, clock) as recording,
            ):
                yield recording
        case ReplaySettings():
            yield ReplayUpstream(settings.folder, settings.time_scale, clock)


@asynccontextmanager
async def _stdin() -> AsyncIterator[asyncio.StreamReader]:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        yield reader
    finally:
        transport.close()


async def _main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with _stdin() as owner:
        try:
            settings = GatewaySettings.model_validate_json(await owner.readline())
        except ValidationError as problem:
            first = problem.errors(include_input=False)[0]
            sys.exit(f"no gateway settings on stdin: {first['msg']}")
        clock = MonotonicClock()
        async with (
            asyncio.TaskGroup() as tasks,
            _upstream(settings.upstream, clock) as upstream,
            serving(upstream, clock, settings.token) as port,
        ):
            sys.stdout.write(json.dumps({"port": port}) + "\n")
            sys.stdout.flush()
            watch = tasks.create_task(_until_closed(owner, stop))
            await stop.wait()
            watch.cancel()


async def _until_closed(owner: asyncio.StreamReader, stop: asyncio.Event) -> None:
    while await owner.read(1024):
        pass
    stop.set()


if __name__ == "__main__":
    asyncio.run(_main())
