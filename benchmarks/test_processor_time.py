"""What a call to the model costs in processor time: the client, the gateway and the model, each for itself.

Each is a process of its own, and answers have 200 chunks that come at the pace of a model: being woken for a
chunk costs more than what is then done with it, so a stream that comes at once would tell too little. In each
round the async engine's client asks through the gateway, and the floor of a client through that of a proxy.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

import pytest
from ollama import ChatResponse, Message

from agents.chat_protocol import StreamReader, decoded
from benchmarks.asking_client import Asked, ask_for_streams
from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, LiveSettings, SimulateSettings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the clocks of other processes")

SCENARIO = "Processor time"
CHUNKS = 200
"""What figures are given for; the simulated model's answer has about as many, and its cost is scaled."""
SIMULATED_TOKENS_PER_CHUNK = 4
CHUNKS_PER_S = 50
SAID = Message(role="assistant", content=" word")
MOST_CLIENT_RATIO = 1.0
"""What the engine's client may cost over aiohttp that reads each chunk as it comes and looks into none."""
MOST_GATEWAY_RATIO = 2.0
"""What the gateway, with its records, may cost over a proxy that keeps nothing."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked for: chunks of an answer, seconds between them, streams at once, rounds of each."""

    chunks: int
    every_s: float
    streams: tuple[int, ...]
    rounds: int

    @property
    def tokens_per_s(self) -> float:
        """The pace of the simulated model that makes its chunks come as often."""
        return SIMULATED_TOKENS_PER_CHUNK * CHUNKS_PER_S if self.every_s > 0.001 else 1e6


SIZES = {
    Scale.ONCE: Size(5, 0.001, (2,), 1),
    Scale.QUICK: Size(CHUNKS, 0.01, (100,), 1),
    Scale.FULL: Size(CHUNKS, 0.02, (1, 16, 100, 300), 3),
}


@dataclass(frozen=True, slots=True)
class Server:
    """A process that serves."""

    pid: int
    host: str


@dataclass(slots=True)
class Cost:
    """What calls cost in milliseconds of processor time each: who asked, and each server on the way."""

    client: float
    servers: dict[str, float]
    cores: float
    """How many processors all of them kept busy."""
    asked: Asked = field(repr=False)


@asynccontextmanager
async def serving(*program: str) -> AsyncIterator[Server]:
    """The server that `program` is, gone when the block is left."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", *program, stdin=PIPE, stdout=PIPE)
    if process.stdin is None or process.stdout is None:
        raise ValueError("it is spoken to through its pipes")
    try:
        async with asyncio.timeout(20):
            port = int(await process.stdout.readline())
        yield Server(process.pid, f"http://127.0.0.1:{port}")
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def gateway(upstream: LiveSettings | SimulateSettings) -> AsyncIterator[Server]:
    """A gateway with one run, which lets every call through."""
    settings = GatewaySettings(upstream=upstream, token="a token for benchmarks")  # noqa: S106
    async with running_gateway(settings) as running:
        await running.open_run("bench", slots=1_000)
        yield Server(running.pid, running.ollama_host("bench"))


async def cost(
    way: str,
    servers: Mapping[str, Server],
    options: Mapping[str, float],
    *,
    streams: int,
) -> Cost:
    """What it costs to ask the first of `servers` for so many streams at once."""
    host = next(iter(servers.values())).host
    async with ask_for_streams(way, host, options, streams=streams, calls_each=1) as ask:
        before_s = {name: cpu_s(server.pid) for name, server in servers.items()}
        asked = await ask()
        spent_s = {name: cpu_s(server.pid) - before_s[name] for name, server in servers.items()}
    return Cost(
        client=asked.cpu_s * 1e3 / asked.calls,
        servers={name: spent * 1e3 / asked.calls for name, spent in spent_s.items()},
        cores=(asked.cpu_s + sum(spent_s.values())) / asked.wall_s,
        asked=asked,
    )


def cpu_s(pid: int) -> float:
    """The processor time of a process, all its threads together, to the nanosecond."""
    # The id of another process's clock, as clock_getcpuclockid(3) makes it up on Linux.
    return time.clock_gettime(~pid << 3 | 2)


@pytest.mark.timeout(900)
async def test_processor_time_per_call(scale: Scale, results: Results) -> None:
    size = SIZES[scale]
    options = {"lines": size.chunks, "every_s": size.every_s}
    async with (
        serving("benchmarks.instant_ollama") as model,
        serving("benchmarks.bare_proxy", model.host) as proxy,
        gateway(LiveSettings(url=model.host)) as live,
    ):
        for streams in size.streams:
            ours, floor = [], []
            for _ in range(size.rounds):
                ours.append(await cost("async", {"gateway": live, "model": model}, options, streams=streams))
                floor.append(await cost("floor", {"proxy": proxy, "model": model}, options, streams=streams))
            _tell(results, streams, ours, floor)
            if scale is Scale.FULL:
                usual = await cost("ollama", {"gateway": live}, options, streams=streams)
                _figure(results, streams, "ollama.AsyncClient", usual.client)


def _tell(results: Results, streams: int, ours: list[Cost], floor: list[Cost]) -> None:
    case = f"{streams} at once"
    clients = [mine.client / other.client for mine, other in zip(ours, floor, strict=True)]
    hops = [mine.servers["gateway"] / other.servers["proxy"] for mine, other in zip(ours, floor, strict=True)]
    results.ratio(SCENARIO, case, "client", clients, over="aiohttp", at_most=MOST_CLIENT_RATIO, x=streams)
    results.ratio(SCENARIO, case, "gateway", hops, over="a bare proxy", at_most=MOST_GATEWAY_RATIO, x=streams)
    _figure(results, streams, "client", median(found.client for found in ours))
    _figure(results, streams, "aiohttp", median(found.client for found in floor))
    _figure(results, streams, "gateway", median(found.servers["gateway"] for found in ours))
    _figure(results, streams, "a bare proxy", median(found.servers["proxy"] for found in floor))
    results.figure(SCENARIO, case, "all three", max(found.cores for found in ours), "cores", x=streams)


@pytest.mark.timeout(900)
async def test_processor_time_of_the_simulated_model(scale: Scale, results: Results) -> None:
    """The answer that is made up, and its stream; the gateway that it is in is the only server on the way."""
    size = SIZES[scale]
    async with gateway(SimulateSettings(ttft_s=0.01, tokens_per_s=size.tokens_per_s)) as simulated:
        for streams in size.streams:
            found = await cost("async", {"model": simulated}, {}, streams=streams)
            chunks = found.asked.tokens / SIMULATED_TOKENS_PER_CHUNK
            assert chunks > 0
            _figure(results, streams, "simulated model", found.servers["model"] * CHUNKS / chunks)


def test_processor_time_of_reading(scale: Scale, results: Results) -> None:
    """What is done with the lines of one answer when they are there, without the way that they came."""
    said = ChatResponse(model="m", created_at="2030-01-02T03:04:05.123456789Z", message=SAID, done=False)
    lines = [said.model_dump_json(exclude_none=True).encode()] * CHUNKS

    def ours() -> None:
        reader = StreamReader()
        for fields in decoded(lines):
            reader.feed_decoded(fields)

    def usual() -> None:
        reader = StreamReader()
        for line in lines:
            reader.feed(ChatResponse(**json.loads(line)))

    rounds = 1 if scale is Scale.ONCE else 50
    took_s: dict[Callable[[], None], list[float]] = {ours: [], usual: []}
    for _ in range(rounds):
        for read, times in took_s.items():
            began_s = time.process_time()
            read()
            times.append(time.process_time() - began_s)
    least = {read: min(times) for read, times in took_s.items()}
    case = f"{CHUNKS} lines"
    results.ratio(
        *(SCENARIO, case, "reading", [least[ours] / least[usual]]), over="ollama's types", at_most=0.5
    )
    results.figure(SCENARIO, case, "reading", least[ours] * 1e3, "ms/call")
    results.figure(SCENARIO, case, "ollama's types", least[usual] * 1e3, "ms/call")


def _figure(results: Results, streams: int, subject: str, milliseconds: float) -> None:
    results.figure(SCENARIO, f"{streams} at once", subject, milliseconds, "ms/call", x=streams)
