"""A client in a process of its own: it asks a model for streams, many at once, and says what that cost it.

Of the ways to ask there are the async engine's own, the `ollama` client as it is, and the floor: aiohttp that
reads the whole answer without looking into it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

__all__ = ["WAYS", "Asked", "ask_for_streams"]

MODEL = "m"
SYSTEM = "You are the developer of this project: you write one module, whole, and nothing else. " * 3
PROMPT = "Write a Python module `cart` with twenty functions that add, take away and count. " * 12

Options = Mapping[str, float]
Ask = Callable[[], Awaitable[int]]
"""Asks once; returns the tokens of the answer, or where the way does not read it its size."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client did: how many calls, the tokens of one, and the processor time of all in seconds."""

    calls: int
    tokens: int
    cpu_s: float
    wall_s: float


@asynccontextmanager
async def _engine(options: Options) -> AsyncIterator[Ask]:
    from agents.chat_protocol import ModelSettings
    from agents.conversation import Message, ModelRequest
    from agents.roles import Role
    from async_arch.composition import AgentCalls
    from async_arch.model_calls import open_calls

    request = ModelRequest(Role.DEVELOPER, "cart", 1, (Message("system", SYSTEM), Message("user", PROMPT)))
    async with open_calls(AgentCalls.ASYNC, ModelSettings(MODEL, options), lambda: "now") as calls:

        async def ask() -> int:
            return (await calls(request)).output_tokens

        yield ask


@asynccontextmanager
async def _ollama(options: Options) -> AsyncIterator[Ask]:
    import httpx
    import ollama

    async with ollama.AsyncClient(limits=httpx.Limits(max_connections=None)) as client:

        async def ask() -> int:
            tokens = 0
            async for part in await client.chat(MODEL, _messages(), options=options, stream=True):
                tokens = part.eval_count or 0
            return tokens

        yield ask


@asynccontextmanager
async def _floor(options: Options) -> AsyncIterator[Ask]:
    import aiohttp

    body = {"model": MODEL, "messages": _messages(), "tools": [], "stream": True, "options": dict(options)}
    url = f"{os.environ['OLLAMA_HOST']}/api/chat"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask() -> int:
            async with session.post(url, json=body) as response:
                return len(await response.read())

        yield ask


WAYS: Mapping[str, Callable[[Options], AbstractAsyncContextManager[Ask]]] = {
    "async": _engine,
    "ollama": _ollama,
    "floor": _floor,
}


def _messages() -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]


async def _main(way: str, options: Options, streams: int, calls_each: int) -> None:
    """Tell on stdout what it cost, after one call that is not counted: it loads what is loaded once."""
    async with WAYS[way](options) as ask:
        await ask()
        print("ready", flush=True)  # noqa: T201 (how the owner is told)
        await asyncio.to_thread(sys.stdin.readline)

        async def one() -> int:
            tokens = 0
            for _ in range(calls_each):
                tokens = await ask()
            return tokens

        cpu_s, wall_s = time.process_time(), time.monotonic()
        tokens = await asyncio.gather(*(one() for _ in range(streams)))
        found = (time.process_time() - cpu_s, time.monotonic() - wall_s)
    tokens = sorted(tokens)
    print(json.dumps([streams * calls_each, tokens[0], *found]), flush=True)  # noqa: T201


@asynccontextmanager
async def ask_for_streams(
    way: str, host: str, options: Options, *, streams: int, calls_each: int
) -> AsyncIterator[Callable[[], Awaitable[Asked]]]:
    """A client that is ready to ask the model at `host`; called, it does, and tells what it did."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.asking_client"),
        *(way, json.dumps(dict(options)), str(streams), str(calls_each)),
        env={**os.environ, "OLLAMA_HOST": host, "NO_PROXY": "127.0.0.1"},
        stdin=PIPE,
        stdout=PIPE,
    )
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise ValueError("it is spoken to through its pipes")
    try:
        assert await stdout.readline() == b"ready\n"

        async def ask() -> Asked:
            stdin.write(b"\n")
            return Asked(*json.loads(await stdout.readline()))

        yield ask
    finally:
        if process.returncode is None and stdout.at_eof():
            process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
