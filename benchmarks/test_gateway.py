"""The gateway against a direct connection: what it adds to a call and to a token, and how much it passes.

Client, gateway and model are processes of their own, and both ways are taken in turns within one run.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain
from statistics import median
from typing import TypeVar

import aiohttp
import pytest

from benchmarks.instant_ollama import instant_ollama
from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.gateway.process import running_gateway
from harness.gateway.settings import GatewaySettings, LiveSettings

SCENARIO = "Gateway"
SUBJECT = "gateway"
DIRECT = "a direct connection"
ALLOWED = "2 ms allowed"
MOST_ADDED_MS = 2.0
"""What a call may cost more than without a gateway."""
STREAMS = (1, 16, 64, 200)
TOKEN_EVERY_S = 0.02
ROUNDS = 10

T = TypeVar("T")


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


@pytest.mark.timeout(600)
async def test_added_latency_per_call(scale: Scale, results: Results) -> None:
    """One call after the other; what is added is the median over pairs of neighbours, in ten rounds."""
    calls = {Scale.ONCE: 4, Scale.QUICK: 150, Scale.FULL: 500}[scale]
    asked = {"a call in one piece": None, "a stream of 1 line": 1, "a stream of 100 lines": 100}
    async with both_sides() as sides:
        for case, lines in asked.items():

            async def call_ms(host: str, lines: int | None = lines) -> float:
                began_s = time.perf_counter()
                await sides.ask(host, lines=lines)
                return (time.perf_counter() - began_s) * 1e3

            await sides.in_turns(calls // 4, call_ms)
            direct, through = await sides.in_turns(calls, call_ms)
            added = [longer - shorter for shorter, longer in zip(direct, through, strict=True)]
            ratios = [
                median(ours) / median(theirs)
                for ours, theirs in zip(_rounds(through), _rounds(direct), strict=True)
            ]
            results.ratio(SCENARIO, case, SUBJECT, ratios, over=DIRECT)
            allowed = [median(each) / MOST_ADDED_MS for each in _rounds(added)]
            results.ratio(SCENARIO, case, SUBJECT, allowed, over=ALLOWED, at_most=1.0, compared=False)
            figures = {
                "ms direct": median(direct),
                "ms": median(through),
                "ms added": median(added),
                "ms added, p99": quantile(added, 0.99),
            }
            for unit, value in figures.items():
                results.figure(SCENARIO, case, SUBJECT, value, unit)


@pytest.mark.timeout(600)
async def test_lateness_per_token(scale: Scale, results: Results) -> None:
    """Streams in which a token comes every 20 ms: the time from its sending to its receipt."""
    lines, rounds, numbers = {
        Scale.ONCE: (2, 1, STREAMS),
        Scale.QUICK: (25, 2, (1, 16, 64)),
        Scale.FULL: (100, 5, STREAMS),
    }[scale]
    async with both_sides() as sides:
        for streams in numbers:

            async def late_ms(host: str, streams: int = streams) -> list[float]:
                asked = (sides.ask(host, lines=lines, every_s=TOKEN_EVERY_S) for _ in range(streams))
                return [late_s * 1e3 for found in await asyncio.gather(*asked) for late_s in found]

            rounds_of = await sides.in_turns(rounds, late_ms)
            direct, through = ([*chain(*found)] for found in rounds_of)
            assert len(direct) == len(through) == streams * lines * rounds
            case = f"lateness of a line, {streams} at once"
            added = [median(ours) - median(theirs) for theirs, ours in zip(*rounds_of, strict=True)]
            results.ratio(
                SCENARIO,
                case,
                SUBJECT,
                [each / MOST_ADDED_MS for each in added],
                over=ALLOWED,
                at_most=1.0 if streams == 1 else None,
                compared=False,
            )
            figures = {
                "ms direct": median(direct),
                "ms": median(through),
                "ms direct, p99": quantile(direct, 0.99),
                "ms, p99": quantile(through, 0.99),
            }
            for unit, value in figures.items():
                results.figure(SCENARIO, case, SUBJECT, value, unit, x=streams)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("unit", ["lines", "calls"])
async def test_throughput(scale: Scale, results: Results, unit: str) -> None:
    """As fast as it goes: lines of streams, or calls that are answered in one piece."""
    in_all, rounds = {
        Scale.ONCE: (1, 1),
        Scale.QUICK: ({"lines": 20_000, "calls": 300}[unit], 3),
        Scale.FULL: ({"lines": 40_000, "calls": 2_000}[unit], 6),
    }[scale]
    async with both_sides() as sides:
        for streams in STREAMS:
            each = max(1, in_all // streams)

            async def one(host: str, each: int = each) -> None:
                if unit == "lines":
                    await sides.ask(host, lines=each)
                    return
                for _ in range(each):
                    await sides.ask(host, lines=None)

            async def per_s(host: str, streams: int = streams, each: int = each) -> float:
                began_s = time.perf_counter()
                await asyncio.gather(*(one(host, each) for _ in range(streams)))
                return each * streams / (time.perf_counter() - began_s)

            direct, through = await sides.in_turns(rounds, per_s)
            case = f"time per {unit[:-1]}, {streams} at once"
            ratios = [theirs / ours for theirs, ours in zip(direct, through, strict=True)]
            results.ratio(SCENARIO, case, SUBJECT, ratios, over=DIRECT, x=streams)
            results.figure(SCENARIO, case, SUBJECT, median(direct), f"{unit}/s direct", x=streams)
            results.figure(SCENARIO, case, SUBJECT, median(through), f"{unit}/s", x=streams)


def _rounds(values: Sequence[float]) -> list[Sequence[float]]:
    """`values` in ten parts, one after the other; in fewer where there are too few."""
    size = -(-len(values) // ROUNDS)
    return [values[begin : begin + size] for begin in range(0, len(values), size)]


def quantile(values: list[float], share: float) -> float:
    """The value that this share of `values` does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
