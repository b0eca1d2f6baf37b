"""Watching: a change is told of within milliseconds, wherever the file comes from and whenever its folder."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from harness.state.watching import changed_paths


class Told:
    """What a watch has told of."""

    def __init__(self) -> None:
        self.looks = 0
        self._came = asyncio.Condition()
        self._changed: set[Path] = set()

    async def take(self, stop: asyncio.Event, paths: list[Path]) -> None:
        async with aclosing(changed_paths(paths, stop)) as changes:
            async for changed in changes:
                async with self._came:
                    self.looks += 1
                    self._changed |= changed
                    self._came.notify_all()

    async def next(self, within_s: float = 5.0) -> set[Path]:
        """What was told of since the last time, as soon as it is anything."""
        async with asyncio.timeout(within_s), self._came:
            await self._came.wait_for(lambda: self._changed)
            changed, self._changed = self._changed, set()
            return changed

    async def look(self) -> None:
        """Return when there was one more look, whether anything was told or not."""
        async with asyncio.timeout(5), self._came:
            before = self.looks
            await self._came.wait_for(lambda: self.looks > before)


@asynccontextmanager
async def watching(*paths: Path) -> AsyncIterator[Told]:
    told, stop = Told(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(told.take(stop, list(paths)))
        # With the second look, the watch is on.
        await told.look()
        await told.look()
        yield told
        stop.set()


async def test_writing_in_place_and_replacing_are_told_of_and_nothing_else(tmp_path: Path) -> None:
    path, other = tmp_path / "blackboard.json", tmp_path / "other.json"
    async with watching(path) as told:
        path.write_text("one")
        assert await told.next() == {path}
        other.write_text("x")
        path.write_text("two")
        assert await told.next() == {path}
        temporary = tmp_path / "temporary"
        temporary.write_text("three")
        temporary.rename(path)
        assert await told.next() == {path}


async def test_two_projects_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / name / "blackboard.json" for name in "ab"]
    for path in paths:
        path.parent.mkdir()
    async with watching(*paths) as told:
        paths[1].write_text("x")
        assert await told.next() == {paths[1]}
        paths[0].write_text("x")
        assert await told.next() == {paths[0]}


async def test_a_folder_that_comes_later_or_is_replaced_is_watched(tmp_path: Path) -> None:
    path = tmp_path / ".factory" / "blackboard.json"
    async with watching(tmp_path / "blackboard.json", path) as told:
        for _ in range(2):
            path.parent.mkdir()
            path.write_text("one")
            # Until the folder is watched, a look finds what is in it.
            await told.look()
            await told.look()
            await told.look()
            path.write_text("two")
            assert path in await told.next()
            shutil.rmtree(path.parent)
            await told.look()


async def test_no_folder_at_all_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "project" / "blackboard.json"
    async with watching(path) as told:
        await told.look()
        path.parent.mkdir()
        await told.look()
        await told.look()
        await told.look()
        path.write_text("x")
        assert await told.next() == {path}


async def test_it_ends_at_once(tmp_path: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(5):
        task = asyncio.create_task(Told().take(stop, [tmp_path / "blackboard.json"]))
        await asyncio.sleep(0.1)
        began_s = loop.time()
        stop.set()
        await task
    assert loop.time() - began_s < 1
