"""The test bed and Redis: nothing of concurrent writers is lost, and no reader sees half of anything."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from itertools import pairwise

from agents.blackboard import ProjectInfo, ProjectStatus
from async_arch.embedded_redis import embedded_redis
from async_arch.state_manager import RedisStateManager
from tests.python_process import python
from tests.state_test_bed.eight_writers import WRITERS, share
from tests.state_test_bed.redis_writers import COUNTERS, UPDATES, counts
from tests.state_test_bed.update import updates_in

INFO = ProjectInfo("a shop", "2026-01-01T00:00:00", ProjectStatus.BUILDING)


async def test_eight_writers_lose_nothing_and_every_document_that_is_read_is_whole() -> None:
    async with embedded_redis() as server, RedisStateManager.open(server.url, "run") as state:
        await state.create(INFO)
        progress = [_progress(await state.snapshot())]
        async with python("-m", "tests.state_test_bed.redis_writers", server.url, "run") as writers:
            ended = asyncio.create_task(writers.communicate())
            while not ended.done():
                progress.append(_progress(await state.snapshot()))
        _, errors = await ended
        assert writers.returncode == 0, errors.decode()
        progress.append(_progress(await state.snapshot()))
    assert progress[0] == [0] * WRITERS
    assert progress[-1] == [UPDATES // WRITERS] * WRITERS
    assert any(0 < sum(made) < UPDATES for made in progress)
    for earlier, later in pairwise(progress):
        assert all(before <= after for before, after in zip(earlier, later, strict=True))


def _progress(board: dict[str, object]) -> list[int]:
    """How many updates each writer has made; fails where the document holds others than its first."""
    appended = updates_in(json.dumps(board["logs"]))
    # What is written together is there together, in its order and once.
    assert appended == updates_in(json.dumps(board["agent_reasoning"]))
    assert appended == sorted(set(appended))
    counters = board.get(COUNTERS, {"all": 0})
    assert isinstance(counters, dict)
    assert counters["all"] == sum(counters.values()) - counters["all"]
    lists = Counter(update.writer for update in appended)
    made = [lists[writer] + counters.get(f"writer {writer}", 0) for writer in range(WRITERS)]
    first = [update for writer, number in enumerate(made) for update in share(writer, UPDATES)[:number]]
    assert appended == [update for update in first if not counts(update)]
    return made
