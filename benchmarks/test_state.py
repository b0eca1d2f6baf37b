"""What an update of the blackboard costs in `json`, `mirror` and `redis`: bytes and time, ratios of one run.

An update is one more attempt of 4 kB. The measure of time is one awaited XADD of the same bytes.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.blackboard import AttemptMade, Entry, ProjectInfo, ProjectStatus, document, entries
from agents.conversation import Attempt, AttemptStatus
from agents.roles import Role
from async_arch.document_mirror import DocumentMirror
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import RedisConnection, open_redis
from async_arch.redis_keys import RunKeys
from async_arch.state_manager import RedisStateManager
from async_arch.stored_document import dumped
from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.engines.finding import find_engine
from harness.gateway.settings import SimulateSettings
from harness.session import SessionSettings, open_session
from harness.spec import find_specs
from legacy.json_blackboard import JsonBlackboard

INFO = ProjectInfo("a shop", "2026-01-01T00:00:00.000+00:00", ProjectStatus.BUILDING)
SIZES = (100, 1_000, 5_000)
WAYS = ("redis", "mirror", "json")
MOST_OVER_XADD = 0.75
"""Of `redis`, where many wait at once."""
MOST_WRITTEN = 1.1
MOST_GROWTH = 1.3
MOST_WITH_MIRROR = 1.1
AT_ONCE = 128
ROUNDS = 7
SLOW_ROUNDS = 3
"""Of those whose cost grows with what is there."""
SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one update, the mean over so many: seconds, and bytes as a multiple of the entry's own."""

    per_update_s: float
    bytes_sent: float = 0.0
    bytes_kept: float = 0.0


def _entry(number: int) -> list[Entry]:
    text = f"{number:06} " + "words of an answer " * 100
    attempt = Attempt(
        Role.DEVELOPER,
        f"Module{number}",
        1,
        text[:1900],
        text[:1900],
        AttemptStatus.OK,
        None,
        INFO.created_at,
    )
    return entries((AttemptMade(attempt),), number, INFO.created_at)


def _sampled(size: int) -> Iterator[int]:
    """Numbers of entries between 0 and `size`, evenly: a cost that grows with them has its mean there."""
    samples = min(size, SAMPLES)
    return (round((sample + 0.5) * size / samples) for sample in range(samples))


async def _awaited_xadd(connection: RedisConnection, number: int) -> Cost:
    text = dumped(_entry(0)[0].value)
    began = time.perf_counter()
    for _ in range(number):
        await connection.client.xadd("plain", {"v": text})
    elapsed_s = time.perf_counter() - began
    await connection.client.delete("plain")
    return Cost(elapsed_s / number)


async def _redis(connection: RedisConnection, size: int) -> Cost:
    async with RedisStateManager.on(connection, f"redis-{size}") as state:
        await state.create(INFO)
        new = [_entry(number) for number in range(size)]
        payload = sum(len(dumped(entry.value)) for (entry,) in new)
        before = await connection.client.info()
        waiting = iter(new)

        async def write() -> None:
            for update in waiting:
                await state.add(update)

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(write())
        elapsed_s = time.perf_counter() - began
        after = await connection.client.info()
        assert await connection.client.xlen(RunKeys(f"redis-{size}")["section:agent_attempts"]) == size
        await state.delete()
    sent, kept = (
        (after[name] - before[name]) / payload for name in ("total_net_input_bytes", "aof_current_size")
    )
    return Cost(elapsed_s / size, sent, kept)


def _json(size: int, folder: Path) -> Cost:
    """Every update rewrites the file: measured at some sizes up to this one, since all would take hours."""
    times, sizes = [], []
    entry_size = len(dumped(_entry(0)[0].value))
    for number in _sampled(size):
        path = folder / "blackboard.json"
        board = JsonBlackboard(path, INFO)
        board.add([entry for each in range(number) for entry in _entry(each)])
        began = time.perf_counter()
        board.add(_entry(number))
        times.append(time.perf_counter() - began)
        sizes.append(path.stat().st_size / entry_size)
    return Cost(statistics.mean(times), statistics.mean(sizes), statistics.mean(sizes))


async def _mirror(connection: RedisConnection, size: int) -> Cost:
    """The mirror's part alone: the difference, its writing and its reading back; sampled likewise."""
    times, sent = [], []
    for number in _sampled(size):
        run = f"mirror-{size}-{number}"
        before = [entry for each in range(number) for entry in _entry(each)]
        async with DocumentMirror.on(connection, run) as mirror:
            await mirror.save(document(INFO, before))
            after = document(INFO, [*before, *_entry(number)])
            bytes_before = (await connection.client.info())["total_net_input_bytes"]
            began = time.perf_counter()
            await mirror.save(after)
            times.append(time.perf_counter() - began)
            bytes_after = (await connection.client.info())["total_net_input_bytes"]
            sent.append((bytes_after - bytes_before) / len(dumped(_entry(number)[0].value)))
        async with RedisStateManager.on(connection, run) as state:
            await state.delete()
    return Cost(statistics.mean(times), statistics.mean(sent))


async def _measure(sizes: tuple[int, ...], rounds: int, folder: Path) -> dict[str, dict[int, list[Cost]]]:
    found: dict[str, dict[int, list[Cost]]] = {
        way: {size: [] for size in sizes} for way in ("xadd", "redis", "mirror", "json")
    }
    async with embedded_redis() as server, open_redis(server.url) as connection:
        # Not counted: what is loaded with the first of everything.
        await _redis(connection, 50)
        for turn in range(rounds):
            for size in sizes:
                ways: list[tuple[str, Callable[[], Awaitable[Cost]]]] = [
                    ("xadd", lambda: _awaited_xadd(connection, 500)),
                    ("redis", lambda size=size: _redis(connection, size)),  # type: ignore[misc]
                ]
                for way, measure in ways if turn % 2 else reversed(ways):
                    found[way][size].append(await measure())
                if turn < SLOW_ROUNDS:
                    found["mirror"][size].append(await _mirror(connection, size))
                    found["json"][size].append(await asyncio.to_thread(_json, size, folder))
    return found


@pytest.mark.timeout(900)
def test_cost_of_an_update(scale: Scale, results: Results, tmp_path: Path) -> None:
    """Time over one awaited XADD, and bytes over the entry's own, by size; growth with the size."""
    sizes, rounds = {
        Scale.ONCE: ((20,), 1),
        Scale.QUICK: ((100, 1_000), 5),
        Scale.FULL: (SIZES, ROUNDS),
    }[scale]
    found = asyncio.run(_measure(sizes, rounds, tmp_path))
    for size in sizes:
        case = f"{size:,} updates"
        units_s = [cost.per_update_s for cost in found["xadd"][size]]
        for way in WAYS:
            costs = found[way][size]
            # Some have fewer rounds: each goes with the XADD of its own.
            times = [cost.per_update_s / unit_s for cost, unit_s in zip(costs, units_s, strict=False)]
            promise = MOST_OVER_XADD if way == "redis" else None
            results.ratio("State", case, way, times, over="an awaited XADD", at_most=promise, x=size)
            written = [cost.bytes_sent for cost in costs]
            promise = MOST_WRITTEN if way != "json" else None
            results.ratio("State", case, way, written, over="the update's bytes", at_most=promise, x=size)
            per_update_s = statistics.median(cost.per_update_s for cost in costs)
            results.figure("State", case, way, per_update_s * 1e6, "us", x=size)
            if way == "redis":
                kept = costs[-1].bytes_kept
                results.figure(
                    "State", case, way, kept, "of the update's bytes in the append-only file", x=size
                )
    fewest, most = (found["redis"][size] for size in (sizes[0], sizes[-1]))
    growth = [many.per_update_s / few.per_update_s for many, few in zip(most, fewest, strict=True)]
    case = f"each of {sizes[-1]:,} updates"
    results.ratio("State", case, "redis", growth, over=f"each of {sizes[0]:,}", at_most=MOST_GROWTH)


MIRROR_ROUNDS = 4
PACE = SimulateSettings(ttft_s=0.02, tokens_per_s=4_000)
"""Five times the default: what the mirror adds weighs five times as much."""
QUICK_PACE = SimulateSettings(ttft_s=0.005, tokens_per_s=16_000)


async def _wall_clocks(
    example: str, rounds: int, simulated: SimulateSettings, store: Path
) -> dict[str, list[float]]:
    (spec,) = find_specs([Path(__file__).parents[1] / "examples" / f"{example}.yaml"])
    engines = {name: find_engine(name) for name in ("legacy", "legacy:state_store=mirror")}
    found: dict[str, list[float]] = {name: [] for name in engines}
    settings = SessionSettings(model="simulated", simulated=simulated, store=store)
    async with open_session(settings, needs_redis=True) as session:
        for turn in range(rounds):
            for name in engines if turn % 2 else reversed(engines):
                record = await session.run(spec, engines[name], lambda _: None)
                assert not record.summary.outcome.failures
                found[name].append(record.summary.wall_s)
    return found


@pytest.mark.timeout(600)
def test_mirror_beside_a_legacy_run(scale: Scale, results: Results, tmp_path: Path) -> None:
    """A legacy run with a mirror over one without, in turns."""
    rounds, simulated, pace = {
        Scale.ONCE: (1, SimulateSettings(ttft_s=0.001, tokens_per_s=50_000), "no pace"),
        Scale.QUICK: (1, QUICK_PACE, "20 times the default pace"),
        Scale.FULL: (MIRROR_ROUNDS, PACE, "5 times the default pace"),
    }[scale]
    example = "notes_cli" if scale is Scale.ONCE else "ecommerce"
    without, mirrored = asyncio.run(_wall_clocks(example, rounds, simulated, tmp_path)).values()
    ratios = [more_s / less_s for less_s, more_s in zip(without, mirrored, strict=True)]
    promise = MOST_WITH_MIRROR if simulated == PACE else None
    case = f"a build at {pace}"
    results.ratio("State", case, "legacy with a mirror", ratios, over="legacy", at_most=promise)
    results.figure("State", case, "legacy with a mirror", statistics.median(mirrored), "s")
    results.figure("State", case, "legacy with a mirror", statistics.median(without), "s without")
