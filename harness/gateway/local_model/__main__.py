"""The local model as a process of its own, which serves until SIGTERM or until its owner is gone."""

from __future__ import annotations

import asyncio
import sys

from harness.gateway.clock import MonotonicClock
from harness.gateway.errors import GatewayStartError, LocalModelMissing
from harness.gateway.local_model.runtime import Runtime
from harness.gateway.local_model.upstream import LocalUpstream
from harness.gateway.local_model.weights import find_weights
from harness.gateway.owner import owner
from harness.gateway.run import Runs
from harness.gateway.server import serving_alone
from harness.gateway.settings import LOOPBACK, LocalSettings

_RUN = "local-model"


async def _main() -> None:
    async with owner() as started_by:
        settings = await started_by.settings(LocalSettings, "local model")
        clock = MonotonicClock()
        runs = Runs(clock)
        # Whoever asks keeps the records.
        runs.open(_RUN, settings.slots, on_record=lambda _: None)
        try:
            weights = find_weights()
            async with (
                Runtime.loaded(weights, settings.slots) as runtime,
                serving_alone(LocalUpstream(runtime, weights, clock), runs, _RUN, LOOPBACK, 0) as port,
            ):
                started_by.ready(port)
                await started_by.gone()
        except (GatewayStartError, LocalModelMissing) as problem:
            sys.exit(str(problem))


if __name__ == "__main__":
    asyncio.run(_main())
