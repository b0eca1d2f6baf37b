"""A scripted Ollama in a thread of its own, for callers that block the event loop of the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.gateway.scripted_ollama import Script, ScriptedOllama, scripted_ollama


@contextmanager
def threaded_ollama(script: Script) -> Iterator[ScriptedOllama]:
    """A simulated Ollama that answers every request by `script`, gone at the end of the block."""
    started = threading.Event()
    found: list[ScriptedOllama] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        ending = asyncio.Event()
        async with scripted_ollama() as model:
            model.script = script
            found.append(model)
            stop.append((asyncio.get_running_loop(), ending))
            started.set()
            await ending.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(10), "the simulated Ollama did not start"
        yield found[0]
    finally:
        for loop, ending in stop:
            loop.call_soon_threadsafe(ending.set)
        thread.join(10)
