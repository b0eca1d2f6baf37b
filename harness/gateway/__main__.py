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

from harness.gateway.clock import MonotonicClock
from harness.gateway.opening import open_upstream
from harness.gateway.server import serving
from harness.gateway.settings import GatewaySettings


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
            open_upstream(settings.upstream, settings.faults, clock) as upstream,
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
