"""The mirror of engines that cannot be touched: how far behind it follows, and how fast it loads in bulk."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from redis.asyncio import Connection

from async_arch.document_diff import difference
from async_arch.document_mirror import Saved
from async_arch.document_writes import arguments
from async_arch.redis_client import RedisConnection
from async_arch.stored_document import StoredDocument
from harness.state.backfill import Backfilled, BackfillOutcome, backfill
from harness.state.board import Board, board_text
from harness.state.follow import FollowSettings, follow
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project, find_projects, project_at

MOST_LAG_MS = 50.0
"""At the median, for a blackboard of ordinary size."""
ENOUGH_MB_PER_S = 50.0
BUSY = 0.85
LEAST_RATIO = 0.2
"""Of the backfill to parsing and packing alone, which neither writes nor reads back nor waits."""
ATTEMPT_SIZE = 4_000
SIZES_KB = (20, 120, 1_000, 5_000)
PROJECTS = {"120 kB each": (24, 1_000), "20 kB each": (3, 1_000), "1.2 MB each": (290, 50)}
"""Attempts in a project, and how many projects."""

Facts = dict[str, float]
Table = dict[str, Facts]

# Engines rewrite the file in place and truncate it first; this one is a process of its own, as they are.
WRITER = """
import json, sys, time
path, count, pause_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
board = json.load(open(path))
for number in range(count):
    time.sleep(pause_s * (0.7 + 0.6 * (number * 7 % 10) / 10))
    board["agent_attempts"].append({**board["agent_attempts"][-1], "attempt_number": -number})
    text = json.dumps(board, indent=2, ensure_ascii=False)
    with open(path, "w") as file:
        file.write(text)
"""


def board(attempts: int, seed: int = 0) -> dict[str, object]:
    """A blackboard with so many attempts of 4 kB, most of it source."""
    lines = [f'def function_{seed}_{number}(value):\n    return "{number}" + value\n' for number in range(90)]
    source = "".join(lines)[: ATTEMPT_SIZE - 200]
    modules = [f"Module{number}" for number in range(10)]
    return {
        "project_info": {"idea": "a shop", "created_at": "2026-01-01T00:00:00", "status": "building"},
        "architecture": {"modules": [{"name": name, "description": "what it is for"} for name in modules]},
        "modules": {name: {"filename": f"{name}.py", "spec": "x" * 200} for name in modules},
        "files_created": [f"{name}.py" for name in modules],
        "api_registry": {name: {"functions": [], "routes": []} for name in modules},
        "agent_attempts": [
            {
                "agent": "developer",
                "module": modules[number % 10],
                "attempt_number": number,
                "input": source[: ATTEMPT_SIZE // 2],
                "output": f"# {number}\n{source[ATTEMPT_SIZE // 2 :]}",
                "status": "ok",
                "error": None,
            }
            for number in range(attempts)
        ],
        "logs": [{"level": "info", "message": f"step {number} done"} for number in range(attempts)],
    }


class Silent:
    """Somebody to be told, who keeps the lags."""

    def __init__(self) -> None:
        self.lags_ms: list[float] = []
        self.first = asyncio.Event()

    def mirrored(self, project: Project, board: Board, saved: Saved, lag_s: float | None) -> None:
        self.first.set()
        if lag_s is not None:
            self.lags_ms.append(1000 * lag_s)

    def unreadable(self, project: Project, reason: str) -> None:
        raise AssertionError(reason)

    def away(self, project: Project, reason: str) -> None:
        raise AssertionError(reason)

    def began(self, count: int) -> None:
        """Nothing to do."""

    def done(self, backfilled: Backfilled) -> None:
        assert backfilled.reason is None, backfilled


def report(benchmark: BenchmarkFixture, table: Table) -> None:
    """Print the table in Markdown, for the README, and keep it."""
    rounded = {row: {name: round(value, 2) for name, value in facts.items()} for row, facts in table.items()}
    benchmark.extra_info.update(rounded)
    names = list(next(iter(rounded.values())))
    lines = [[benchmark.name, *names], ["---"] * (1 + len(names))]
    lines += [[row, *(f"{facts[name]:g}" for name in names)] for row, facts in rounded.items()]
    print("\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines))  # noqa: T201 (what it is run for)


@pytest.mark.timeout(600)
def test_lag_of_follow(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """From the last change of the file until its state was read back from Redis, by the size of the file."""
    count, pause_s = (3, 0.05) if benchmark.disabled else (60, 0.25)

    async def lags(size_kb: int) -> Facts:
        folder = tmp_path / str(size_kb)
        folder.mkdir()
        path = folder / "blackboard.json"
        path.write_bytes(board_text(board(max(1, size_kb * 1000 // (ATTEMPT_SIZE + 450)))))
        size = path.stat().st_size
        told, stop = Silent(), asyncio.Event()
        async with MirrorRedis.open("embedded", tmp_path / "store") as redis, asyncio.TaskGroup() as group:
            task = group.create_task(follow([project_at(folder)], redis, FollowSettings(), stop, told))
            await told.first.wait()
            await asyncio.sleep(0.6)
            await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", WRITER, str(path), str(count), str(pause_s)],
                check=True,
                timeout=300,
            )
            await asyncio.sleep(0.6)
            stop.set()
            [summary] = await task
        assert summary.caught_up
        ordered = sorted(told.lags_ms)
        return {
            "kB": size / 1000,
            "states": count,
            "mirrored": len(ordered),
            "lag, median, ms": median(ordered),
            "lag, p95, ms": ordered[int(len(ordered) * 0.95)],
            "lag, max, ms": ordered[-1],
        }

    async def measured() -> Table:
        return {f"{size_kb} kB": await lags(size_kb) for size_kb in SIZES_KB}

    table: Table = benchmark.pedantic(lambda: asyncio.run(measured()), rounds=1)
    report(benchmark, table)
    assert benchmark.disabled or table["120 kB"]["lag, median, ms"] < MOST_LAG_MS


@pytest.mark.timeout(600)
def test_throughput_of_backfill(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """1,000 projects into an empty Redis, beside what one processor needs for parsing and packing alone."""

    async def throughput(name: str, attempts: int, count: int) -> Facts:
        root = tmp_path / name
        for number in range(3 if benchmark.disabled else count):
            folder = root / f"project_{number:04}"
            folder.mkdir(parents=True)
            (folder / "blackboard.json").write_bytes(board_text(board(attempts, number)))
        projects = find_projects([root])
        texts = [path.read_bytes() for path in sorted(root.glob("*/blackboard.json"))]
        size_mb = sum(map(len, texts)) / 1e6
        serialised_s = _timed(_serialised(texts))
        async with MirrorRedis.open("embedded", tmp_path / f"store {name}") as redis:
            before_s, began_s, mine_s = await redis.ask(_cpu_s), time.perf_counter(), time.process_time()
            found = await backfill(projects, redis, Silent())
            wall_s, mine_s = time.perf_counter() - began_s, time.process_time() - mine_s
            server_s = await redis.ask(_cpu_s) - before_s
            assert {each.outcome for each in found} == {BackfillOutcome.MIRRORED}
            began_s = time.perf_counter()
            again = await backfill(projects, redis, Silent())
            skipped_s = time.perf_counter() - began_s
            assert {each.outcome for each in again} == {BackfillOutcome.SKIPPED}
        return {
            "MB": size_mb,
            "backfill, MB/s": size_mb / wall_s,
            "parsing and packing alone, MB/s": size_mb / serialised_s,
            "ratio": serialised_s / wall_s,
            "client, processor / wall": mine_s / wall_s,
            "server, processor / wall": server_s / wall_s,
            "skipping, MB/s": size_mb / skipped_s,
        }

    async def measured() -> Table:
        return {name: await throughput(name, *shape) for name, shape in PROJECTS.items()}

    table: Table = benchmark.pedantic(lambda: asyncio.run(measured()), rounds=1)
    report(benchmark, table)
    facts = table["120 kB each"]
    # Or what the client's processor allows, which then does nothing else.
    enough = facts["backfill, MB/s"] > ENOUGH_MB_PER_S or facts["client, processor / wall"] > BUSY
    assert benchmark.disabled or (enough and facts["ratio"] > LEAST_RATIO)


def _serialised(texts: Sequence[bytes]) -> Iterator[int]:
    """What cannot be avoided for each document: parse it, take it apart, pack it into a command."""
    connection = Connection()
    for text in texts:
        done = difference(StoredDocument(), json.loads(text))
        yield len(connection.pack_command("EVALSHA", "0" * 40, 1, "key", *arguments(done.writes)))


def _timed(work: Iterator[int]) -> float:
    began_s = time.perf_counter()
    for _ in work:
        pass
    return time.perf_counter() - began_s


async def _cpu_s(connection: RedisConnection) -> float:
    about = await connection.client.info("cpu")
    return float(about["used_cpu_user"]) + float(about["used_cpu_sys"])
