"""Processes that are started ahead of the command that needs them: they load while the command does.

Little is loaded for that, so that it can be the first thing that a command does.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from harness.gateway.started_process import GATEWAY_MODULE, StartedProcess, started_process

__all__ = ["NOTHING_AHEAD", "StartedAhead", "started_ahead", "started_worker"]

_WORKER_MODULE = "harness.engines.worker"
_EXTERNAL = "external:"


@dataclass(frozen=True, slots=True)
class StartedAhead:
    """The processes that load already; None is one that whoever needs it starts."""

    gateway: StartedProcess | None = None
    worker: StartedProcess | None = None


NOTHING_AHEAD = StartedAhead()


@asynccontextmanager
async def started_ahead(engine: str) -> AsyncIterator[StartedAhead]:
    """A gateway and the worker of the engine with the name `engine`, which need not be one.

    They are gone when the block is left, whoever took them or did not.
    """
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(started_process(GATEWAY_MODULE))
        worker = None
        if not engine.startswith(_EXTERNAL):
            worker = await stack.enter_async_context(started_worker(engine))
        yield StartedAhead(gateway, worker)


def started_worker(engine: str) -> AbstractAsyncContextManager[StartedProcess]:
    """A worker that loads what the engine with the name `engine` needs, and waits for its job."""
    environment = {
        # Where its model is, it is told.
        **{name: value for name, value in os.environ.items() if name != "OLLAMA_HOST"},
        # A proxy in the environment would keep the engine from the loopback.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
    }
    return started_process(_WORKER_MODULE, engine, environment=environment)
