"""Runs by hand, as a harness leaves them while it works on them and when they are over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from agents.build import EventKind, TaskEvent
from harness.record import RunManifest, RunRecord, RunStore
from harness.watch import CallView, NumberedEvent
from tests.compare.records import BOARD, make_record
from tests.record.manifests import make_manifest

__all__ = ["EVENTS", "Heard", "begun", "end_run", "event", "lines", "planned_board"]


def event(second: float, kind: EventKind, task: str = "", **facts: Any) -> TaskEvent:
    """An event, so many seconds after ten o'clock."""
    whole, milliseconds = divmod(round(1000 * second), 1000)
    at = f"2024-05-01T10:{whole // 60:02}:{whole % 60:02}.{milliseconds:03}+00:00"
    return TaskEvent(kind, at, task, **facts)


EVENTS = (
    event(0, EventKind.BUILD_STARTED),
    event(0, EventKind.TASK_STARTED, "analyst"),
    event(1, EventKind.TASK_COMPLETED, "analyst", calls=1, prompt_tokens=100, output_tokens=10),
    event(1, EventKind.TASK_STARTED, "auditor"),
    event(2, EventKind.TASK_COMPLETED, "auditor", calls=2, prompt_tokens=300, output_tokens=30, retries=1),
    event(2, EventKind.TASK_STARTED, "architect:Users"),
    event(3, EventKind.TASK_COMPLETED, "architect:Users", calls=1, prompt_tokens=50, output_tokens=5),
    event(3, EventKind.BUILD_FINISHED, detail="complete"),
)


class Heard:
    """A `RunWatcher` that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[NumberedEvent] = []
        self.tasks: tuple[str, ...] = ()
        self.calls: list[CallView] = []
        self.notes: list[str] = []
        self._told = asyncio.Event()

    def happened(self, event: NumberedEvent) -> None:
        self.events.append(event)
        self._told.set()

    def planned(self, tasks: tuple[str, ...]) -> None:
        self.tasks = tasks

    def called(self, call: CallView) -> None:
        self.calls.append(call)
        self._told.set()

    def noted(self, text: str) -> None:
        self.notes.append(text)
        self._told.set()

    async def until(self, number: int) -> None:
        """Return when so many events were told."""
        async with asyncio.timeout(20):
            while len(self.events) < number:
                await self.more()

    async def more(self) -> None:
        """Return when something was told."""
        self._told.clear()
        await self._told.wait()

    @property
    def told(self) -> list[TaskEvent]:
        return [numbered.event for numbered in self.events]


def begun(root: Path, run: str = "20240501-100000-shop-async-1", **parts: Any) -> RunManifest:
    """A run that has begun, in the store at `root`."""
    manifest = make_manifest(run, **parts)
    store = RunStore(root)
    (store.folder(run) / "files").mkdir(parents=True)
    store.begin(manifest)
    return manifest


def end_run(root: Path, run: str, events: Iterable[TaskEvent] = (), **parts: Any) -> RunRecord:
    """End a run that has begun; `parts` are of its summary."""
    store = RunStore(root)
    made = make_record(store.folder(run))
    summary = made.summary.model_copy(update={"id": run, **parts})
    record = replace(made, summary=summary, events=tuple(events), folder=store.folder(run))
    store.save(record)
    return record


def lines(*events: TaskEvent) -> bytes:
    """The lines of `events.jsonl` for these."""
    adapter = TypeAdapter(TaskEvent)
    return b"".join(adapter.dump_json(one) + b"\n" for one in events)


def planned_board() -> str:
    """A blackboard with a plan of three modules."""
    return json.dumps(BOARD)
