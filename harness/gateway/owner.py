"""The owner of this process: whoever started it and holds the other ends of its stdin and stdout.

It gives the settings as one JSON line and is told the port in one; see `harness.gateway.owned_process`.
When stdin ends the owner is gone, however it went, and the process is to go with it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from pydantic import BaseModel, ValidationError

__all__ = ["Owner", "owner"]

Settings = TypeVar("Settings", bound=BaseModel)


class Owner:
    """The owner, as the process sees it."""

    def __init__(self, stdin: asyncio.StreamReader, stop: asyncio.Event) -> None:
        self._stdin = stdin
        self._stop = stop

    async def settings(self, kind: type[Settings], whose: str) -> Settings:
        """The settings of this process, which people call `whose`; ends the process where none come."""
        try:
            return kind.model_validate_json(await self._stdin.readline())
        except ValidationError as problem:
            first = problem.errors(include_input=False)[0]
            sys.exit(f"no {whose} settings on stdin: {first['msg']}")

    def ready(self, port: int) -> None:
        """Tell the owner that the process serves at `port`."""
        sys.stdout.write(json.dumps({"port": port}) + "\n")
        sys.stdout.flush()

    async def gone(self) -> None:
        """Return when the process is to end: at SIGTERM, or when the owner is gone."""
        watch = asyncio.create_task(self._watch())
        try:
            await self._stop.wait()
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        while await self._stdin.read(1024):
            pass
        self._stop.set()


@asynccontextmanager
async def owner() -> AsyncIterator[Owner]:
    """The owner of this process. SIGTERM is only taken note of from here on, until `gone` is waited for."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        yield Owner(reader, stop)
    finally:
        transport.close()
