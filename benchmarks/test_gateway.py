"""The gateway against a direct connection: what it adds to a call and to a token, and how much it passes.

Client, gateway and model are processes of their own, and both ways are taken in turns within one run.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import TypeVar

import aiohttp
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.instant_ollama import instant_ollama
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, LiveSettings

MOST_ADDED_MS = 2.0
"""What a call may cost more than without a gateway."""
STREAMS = (1, 16, 64, 200)
TOKEN_EVERY_S = 0.02

T = TypeVar("T")
Facts = dict[str, float]
"""Numbers by what they are; ratios are of the gateway to the direct connection."""
Table = dict[str, Facts]
"""Facts by what was asked for."""


@dataclass(frozen=True)
class Sides:
    """The two ways to one model: its own address, and the gateway's."""

    session: aiohttp.ClientSession
    direct: str
    gateway: str

    async def in_turns(self, rounds: int, measure: Callable[[str], Awaitable[T]]) -> tuple[list[T], list[T]]:
        """What was measured directly and through the gateway, in the order A B B A."""
        found: tuple[list[T], list[T]] = ([], [])
        for number in range(2 * rounds):
            side = (0, 1, 1, 0)[number % 4]
            found[side].append(await measure((self.direct, self.gateway)[side]))
        return found

    async def ask(self, host: str, *, lines: int | None, every_s: float = 0) -> list[float]:
        """Ask once, for a stream of so many lines or for an answer in one piece; how late each line came."""
        body = {
            "model": "m",
            "messages": [{"role": "user", "content": "Why is the sky blue? " * 50}],
            "stream": lines is not None,
            "options": {"lines": lines, "every_s": every_s},
        }
        late_s: list[float] = []
        async with self.session.post(f"{host}/api/chat", json=body) as response:
            if every_s:
                async for line in response.content:
                    came_s = time.monotonic()
                    sent_s = json.loads(line).get("sent_s")
                    late_s += [] if sent_s is None else [came_s - sent_s]
            else:
                await response.read()
            assert response.status == 200
        return late_s


@asynccontextmanager
async def both_sides() -> AsyncIterator[Sides]:
    """A model that answers at once, and a gateway before it that lets every call through."""
    async with (
        instant_ollama() as url,
        running_gateway(
            GatewaySettings(upstream=LiveSettings(url=url), token="a token for benchmarks")  # noqa: S106
        ) as gateway,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):
        await gateway.open_run("bench", slots=max(STREAMS))
        yield Sides(session, url, gateway.ollama_host("bench"))


def run(benchmark: BenchmarkFixture, measure: Callable[[Sides], Awaitable[Table]]) -> Table:
    """Measure once; the table is printed in Markdown, for the README, and stands in `extra_info`."""

    async def measured() -> Table:
        async with both_sides() as sides:
            return await measure(sides)

    table: Table = benchmark.pedantic(lambda: asyncio.run(measured()), rounds=1)
    rounded = {row: {name: round(value, 3) for name, value in facts.items()} for row, facts in table.items()}
    benchmark.extra_info.update(rounded)
    names = list(next(iter(rounded.values())))
    lines = [[benchmark.name, *names], ["---"] * (1 + len(names))]
    lines += [[row, *(f"{facts[name]:g}" for name in names)] for row, facts in rounded.items()]
    print("\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines))  # noqa: T201 (what it is run for)
    return table


@pytest.mark.timeout(600)
def test_added_latency_per_call(benchmark: BenchmarkFixture) -> None:
    """One call after the other; what is added is the median over pairs of neighbours."""
    calls = 4 if benchmark.disabled else 500

    async def added(sides: Sides, lines: int | None) -> Facts:
        async def call_ms(host: str) -> float:
            began_s = time.perf_counter()
            await sides.ask(host, lines=lines)
            return (time.perf_counter() - began_s) * 1e3

        await sides.in_turns(calls // 4, call_ms)
        direct, through = await sides.in_turns(calls, call_ms)
        added = [longer - shorter for shorter, longer in zip(direct, through, strict=True)]
        return {
            "direct, ms": median(direct),
            "gateway, ms": median(through),
            "added, ms": median(added),
            "added, p99, ms": quantile(added, 0.99),
            "ratio": median(through) / median(direct),
        }

    async def measure(sides: Sides) -> Table:
        asked = {"in one piece": None, "stream of 1 line": 1, "stream of 100 lines": 100}
        return {row: await added(sides, lines) for row, lines in asked.items()}

    for facts in run(benchmark, measure).values():
        assert benchmark.disabled or facts["added, ms"] < MOST_ADDED_MS


@pytest.mark.timeout(600)
def test_lateness_per_token(benchmark: BenchmarkFixture) -> None:
    """Streams in which a token comes every 20 ms: the time from its sending to its receipt."""
    lines, rounds = (2, 1) if benchmark.disabled else (100, 5)

    async def lateness(sides: Sides, streams: int) -> Facts:
        async def late_ms(host: str) -> list[float]:
            asked = (sides.ask(host, lines=lines, every_s=TOKEN_EVERY_S) for _ in range(streams))
            return [late_s * 1e3 for found in await asyncio.gather(*asked) for late_s in found]

        direct, through = ([*chain(*found)] for found in await sides.in_turns(rounds, late_ms))
        assert len(direct) == len(through) == streams * lines * rounds
        return {
            "direct, ms": median(direct),
            "gateway, ms": median(through),
            "added, ms": median(through) - median(direct),
            "direct, p99, ms": quantile(direct, 0.99),
            "gateway, p99, ms": quantile(through, 0.99),
        }

    async def measure(sides: Sides) -> Table:
        return {f"{streams} at once": await lateness(sides, streams) for streams in STREAMS}

    table = run(benchmark, measure)
    assert benchmark.disabled or table["1 at once"]["added, ms"] < MOST_ADDED_MS


@pytest.mark.timeout(600)
@pytest.mark.parametrize("unit", ["lines", "calls"])
def test_throughput(benchmark: BenchmarkFixture, unit: str) -> None:
    """As fast as it goes: lines of streams, or calls that are answered in one piece."""
    in_all, rounds = (1, 1) if benchmark.disabled else ({"lines": 40_000, "calls": 2_000}[unit], 6)

    async def throughput(sides: Sides, streams: int) -> Facts:
        each = max(1, in_all // streams)

        async def one(host: str) -> None:
            if unit == "lines":
                await sides.ask(host, lines=each)
                return
            for _ in range(each):
                await sides.ask(host, lines=None)

        async def per_s(host: str) -> float:
            began_s = time.perf_counter()
            await asyncio.gather(*(one(host) for _ in range(streams)))
            return each * streams / (time.perf_counter() - began_s)

        direct, through = await sides.in_turns(rounds, per_s)
        return {
            "direct, 1/s": median(direct),
            "gateway, 1/s": median(through),
            "ratio": median(through) / median(direct),
        }

    async def measure(sides: Sides) -> Table:
        return {f"{streams} at once": await throughput(sides, streams) for streams in STREAMS}

    run(benchmark, measure)


def quantile(values: list[float], share: float) -> float:
    """The value that this share of `values` does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
