"""A gateway as a process of its own, which serves until SIGTERM or until its owner is gone."""

from __future__ import annotations

import asyncio
import sys

from harness.gateway.clock import MonotonicClock
from harness.gateway.errors import GatewayStartError
from harness.gateway.hosts.outages import OutageLog
from harness.gateway.opening import open_upstream
from harness.gateway.owner import owner
from harness.gateway.server import serving
from harness.gateway.settings import GatewaySettings


async def _main() -> None:
    async with owner() as started_by:
        settings = await started_by.settings(GatewaySettings, "gateway")
        clock, outages = MonotonicClock(), OutageLog()
        try:
            async with (
                open_upstream(settings.upstream, settings.faults, clock, outages) as upstream,
                serving(upstream, clock, settings.token, outages, settings.address, settings.port) as port,
            ):
                started_by.ready(port)
                await started_by.gone()
        except GatewayStartError as problem:
            sys.exit(str(problem))


if __name__ == "__main__":
    asyncio.run(_main())
