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
from redis.asyncio import Connection

from async_arch.document_diff import difference
from async_arch.document_mirror import Saved
from async_arch.document_writes import arguments
from async_arch.redis_client import RedisConnection
from async_arch.stored_document import StoredDocument
from benchmarks.results import Results
from benchmarks.scale import Scale
from harness.state.backfill import Backfilled, BackfillOutcome, backfill
from harness.state.board import Board, board_text
from harness.state.follow import FollowSettings, follow
from harness.state.mirror_redis import MirrorRedis
from harness.state.project import Project, find_projects, project_at

SCENARIO = "State"
MOST_LAG_MS = 50.0
"""At the median, for a blackboard of ordinary size."""
ENOUGH_MB_PER_S = 50.0
BUSY = 0.85
MOST_OVER_SERIALISING = 5.0
"""Of the backfill over parsing and packing alone, which neither writes nor reads back nor waits."""
ATTEMPT_SIZE = 4_000
SIZES_KB = (20, 120, 1_000, 5_000)
PROMISED_KB = 120
PROJECTS = {"120 kB each": (24, 1_000), "20 kB each": (3, 1_000), "1.2 MB each": (290, 50)}
"""Attempts in a project, and how many projects."""
PROMISED_PROJECTS = "120 kB each"

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


@pytest.mark.timeout(600)
async def test_lag_of_follow(scale: Scale, results: Results, tmp_path: Path) -> None:
    """From the last change of the file until its state was read back from Redis, by the size of the file."""
    count, pause_s, sizes_kb = {
        Scale.ONCE: (3, 0.05, SIZES_KB[:1]),
        Scale.QUICK: (6, 0.2, (PROMISED_KB, 1_000)),
        Scale.FULL: (60, 0.25, SIZES_KB),
    }[scale]
    for size_kb in sizes_kb:
        folder = tmp_path / str(size_kb)
        folder.mkdir()
        path = folder / "blackboard.json"
        path.write_bytes(board_text(board(max(1, size_kb * 1000 // (ATTEMPT_SIZE + 450)))))
        lags_ms = sorted(await _lags_ms(path, count, pause_s, tmp_path / "store"))
        case = f"a file of {size_kb:,} kB followed"
        if size_kb == PROMISED_KB:
            allowed = [median(lags_ms) / MOST_LAG_MS]
            over = f"{MOST_LAG_MS:g} ms allowed"
            results.ratio(SCENARIO, case, "mirror's lag", allowed, over=over, at_most=1.0, compared=False)
        figures = {
            "ms": median(lags_ms),
            "ms, p95": lags_ms[int(len(lags_ms) * 0.95)],
            "ms, max": lags_ms[-1],
            f"of {count} states": len(lags_ms),
        }
        for unit, value in figures.items():
            results.figure(SCENARIO, case, "mirror's lag", value, unit, x=size_kb)


async def _lags_ms(path: Path, count: int, pause_s: float, store: Path) -> list[float]:
    told, stop = Silent(), asyncio.Event()
    async with MirrorRedis.open("embedded", store) as redis, asyncio.TaskGroup() as group:
        task = group.create_task(follow([project_at(path.parent)], redis, FollowSettings(), stop, told))
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
    return told.lags_ms


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PROJECTS)
async def test_throughput_of_backfill(scale: Scale, results: Results, tmp_path: Path, name: str) -> None:
    """Many projects into an empty Redis, beside what one processor needs for parsing and packing alone."""
    attempts, count = PROJECTS[name]
    for number in range({Scale.ONCE: 3, Scale.QUICK: count // 10, Scale.FULL: count}[scale]):
        folder = tmp_path / "projects" / f"project_{number:04}"
        folder.mkdir(parents=True)
        (folder / "blackboard.json").write_bytes(board_text(board(attempts, number)))
    projects = find_projects([tmp_path / "projects"])
    texts = [path.read_bytes() for path in sorted(tmp_path.glob("projects/*/blackboard.json"))]
    size_mb = sum(map(len, texts)) / 1e6
    serialised_s = _timed(_serialised(texts))
    async with MirrorRedis.open("embedded", tmp_path / "store") as redis:
        before_s, began_s, mine_s = await redis.ask(_cpu_s), time.perf_counter(), time.process_time()
        found = await backfill(projects, redis, Silent())
        wall_s, mine_s = time.perf_counter() - began_s, time.process_time() - mine_s
        server_s = await redis.ask(_cpu_s) - before_s
        assert {each.outcome for each in found} == {BackfillOutcome.MIRRORED}
        began_s = time.perf_counter()
        again = await backfill(projects, redis, Silent())
        skipped_s = time.perf_counter() - began_s
        assert {each.outcome for each in again} == {BackfillOutcome.SKIPPED}
    case, subject = f"projects of {name}", "backfill"
    promised = name == PROMISED_PROJECTS
    results.ratio(
        SCENARIO,
        case,
        subject,
        [wall_s / serialised_s],
        over="parsing and packing alone",
        at_most=MOST_OVER_SERIALISING if promised else None,
    )
    if promised:
        # Or what the client's processor allows, which then does nothing else.
        allowed = min(ENOUGH_MB_PER_S * wall_s / size_mb, BUSY * wall_s / mine_s)
        over = f"{ENOUGH_MB_PER_S:g} MB/s or {BUSY:.0%} of a processor"
        results.ratio(SCENARIO, case, subject, [allowed], over=over, at_most=1.0, compared=False)
    figures = {
        "MB": size_mb,
        "MB/s": size_mb / wall_s,
        "MB/s parsing and packing alone": size_mb / serialised_s,
        "client processors": mine_s / wall_s,
        "server processors": server_s / wall_s,
        "MB/s skipping": size_mb / skipped_s,
    }
    for unit, value in figures.items():
        results.figure(SCENARIO, case, subject, value, unit)


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
