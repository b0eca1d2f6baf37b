"""The mirror back: a file that follows what a run writes to Redis, and lets go of it in time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from agents.blackboard import Entry, ProjectInfo, ProjectStatus, Section
from async_arch.embedded_redis import embedded_redis
from async_arch.redis_client import RedisConnection
from async_arch.state_manager import RedisStateManager
from harness.state import mirror_back
from harness.state.mirror_back import mirrored_back

RUN = "20260101-shop-async-1"
INFO = ProjectInfo("A shop.", "2026-01-01T00:00:00", ProjectStatus.BUILDING)


def _file(number: int) -> Entry:
    return Entry(Section.FILES_CREATED, (number, 0), "", f"{number}.py")


def _files(path: Path) -> list[str]:
    return list(json.loads(path.read_text())["files_created"]) if path.exists() else []


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - another process's file
            await asyncio.sleep(0.01)


async def test_the_file_follows_what_is_written_and_stays_as_it_was_when_it_is_left(tmp_path: Path) -> None:
    path = tmp_path / "blackboard.json"
    async with embedded_redis() as server, RedisStateManager.open(server.url, RUN) as state:
        async with mirrored_back(server.url, RUN, path, pause_s=0.02) as written:
            written()
            await state.create(INFO)
            for number in range(1, 4):
                await state.add([_file(number)])
                written()
                await _until(lambda number=number: len(_files(path)) == number)  # type: ignore[misc]
        await state.add([_file(4)])
        written()
        await asyncio.sleep(0.1)
    assert _files(path) == ["1.py", "2.py", "3.py"]
    assert [found.name for found in tmp_path.iterdir()] == ["blackboard.json"]


async def test_a_document_that_takes_long_is_written_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[float] = []
    work, took_s = mirror_back._write, 0.02

    async def slow(connection: RedisConnection, run: str, path: Path) -> None:
        begun.append(asyncio.get_running_loop().time())
        await work(connection, run, path)
        await asyncio.sleep(took_s)

    monkeypatch.setattr(mirror_back, "_write", slow)
    async with embedded_redis() as server, RedisStateManager.open(server.url, RUN) as state:
        await state.create(INFO)
        async with mirrored_back(server.url, RUN, tmp_path / "b.json", pause_s=0.0) as written:
            async with asyncio.timeout(10):
                while len(begun) < 3:
                    written()
                    await asyncio.sleep(0.01)
    assert all(later - earlier >= 20 * took_s for earlier, later in pairwise(begun))


async def test_a_redis_that_goes_away_is_no_error_and_a_folder_that_is_gone_neither(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / "blackboard.json"
    async with embedded_redis() as server, mirrored_back(server.url, RUN, path, pause_s=0.02) as written:
        async with RedisStateManager.open(server.url, RUN) as state:
            await state.create(INFO)
            folder.rename(tmp_path / "elsewhere")
            written()
            await asyncio.sleep(0.1)
            (tmp_path / "elsewhere").rename(folder)
            await state.add([_file(1)])
            written()
            await _until(lambda: _files(path) == ["1.py"])
        os.kill(server.pid, signal.SIGKILL)
        written()
        await asyncio.sleep(0.1)
    assert _files(path) == ["1.py"]
