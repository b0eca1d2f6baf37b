"""The blackboard as a JSON file, for compositions that have not moved their state yet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path

from agents.api import ModuleApi
from agents.blackboard import (
    ApiDesigned,
    Entry,
    ProjectInfo,
    ProjectStatus,
    changed_files,
    document,
    entries,
)
from agents.build import EventKind, TaskEvent
from agents.workflow import Reads, Task, TaskReport
from async_arch.checkpoints import Checkpoints
from async_arch.state_store import Readings, StateUnavailable
from async_arch.workspace import replace_file

__all__ = ["JsonStateStore"]


class JsonStateStore:
    """A `StateStore` in memory that rewrites one JSON file after every report; events stay in the process.

    `on_saved` is told every document that was saved.
    """

    def __init__(self, path: Path, on_saved: Callable[[Mapping[str, object]], None] = lambda _: None) -> None:
        self._path = path
        self._on_saved = on_saved
        self._info: ProjectInfo | None = None
        self._entries: list[Entry] = []
        self._apis: dict[str, ModuleApi] = {}
        self._files: dict[str, str] = {}
        self._reported: set[Task] = set()
        self._events: list[TaskEvent] = []
        self._happened = asyncio.Condition()
        self._saving = asyncio.Lock()

    async def create(self, info: ProjectInfo, event: TaskEvent | None = None) -> None:
        """Begin the state of a build, together with `event`."""
        self._info = info
        await self._save()
        if event is not None:
            await self.announce(event)

    async def checkpoints(self) -> Checkpoints | None:
        """None: what a process keeps in memory is gone with it."""
        return None

    async def read(self, wanted: Reads) -> Readings:
        """Read what a task needs."""
        paths = self._files if wanted.all_files else wanted.files
        return Readings(
            {name: self._apis[name] for name in wanted.apis}, {path: self._files[path] for path in paths}
        )

    async def announce(self, event: TaskEvent) -> None:
        """Add `event` to the events."""
        async with self._happened:
            self._events.append(event)
            self._happened.notify_all()

    async def report(self, report: TaskReport, place: int, event: TaskEvent) -> None:
        """Write what a task did, and rewrite the file; nothing where that task has reported already."""
        if report.task in self._reported:
            return
        self._reported.add(report.task)
        self._entries.extend(entries(report.changes, place, event.at))
        self._files.update(changed_files(report.changes))
        for change in report.changes:
            if isinstance(change, ApiDesigned):
                self._apis[change.module] = change.api
        await self._save()
        await self.announce(event)

    async def settled(self) -> None:
        """At once: whatever returned has saved."""

    async def finish(self, status: ProjectStatus, event: TaskEvent) -> None:
        """Set the final status."""
        self._info = replace(self._created(), status=status)
        await self._save()
        await self.announce(event)

    async def snapshot(self) -> dict[str, object]:
        """The blackboard as one JSON document."""
        return document(self._created(), self._entries)

    async def events(self) -> AsyncIterator[TaskEvent]:
        """The events from the first on, until the build is finished."""
        seen = 0
        while True:
            async with self._happened:
                while len(self._events) == seen:
                    await self._happened.wait()
                fresh = self._events[seen:]
            for event in fresh:
                yield event
                if event.kind is EventKind.BUILD_FINISHED:
                    return
            seen += len(fresh)

    def _created(self) -> ProjectInfo:
        if self._info is None:
            raise StateUnavailable("the state of this build was never created")
        return self._info

    async def _save(self) -> None:
        async with self._saving:
            board = await self.snapshot()
            text = json.dumps(board, indent=2, ensure_ascii=False) + "\n"
            try:
                await asyncio.to_thread(replace_file, self._path, text)
            except OSError as error:
                raise StateUnavailable(f"{self._path} cannot be written: {error.strerror}") from error
            self._on_saved(board)
