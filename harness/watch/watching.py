"""Watching a run from outside until it ends.

Its events are read from the stream in Redis, from where the last reading left off, and from the file that the
harness which works on the run writes: that has what no stream tells, because the engine has none, Redis does
not answer, or an embedded server has gone with the run. Both tell the same events in the same order, so the
place of an event says whether it is known.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing, suppress
from typing import Protocol

from agents.build import EventKind
from agents.conversation import UnusableAnswer
from agents.plan import Plan, read_plan
from agents.workflow import AUDITOR, PLANNING, build_tasks
from async_arch.state_manager import RedisStateManager
from async_arch.state_store import StateUnavailable
from harness.record import RunStore, StatePlace
from harness.record.run_store import read_blackboard
from harness.watch.call_file import CallFile
from harness.watch.call_view import CallView
from harness.watch.event_file import EventFile
from harness.watch.numbered_event import NumberedEvent
from harness.watch.run_end import RunEnd, end_of

__all__ = ["RunWatcher", "watch_run"]

_LOOK_S = 0.2
_PATIENCE_S = 1.0
"""How long Redis may be away before that is said."""
_STREAM_FIRST_S = 1.0
"""How long an event that is on file may take to come through the stream, where there is one or could be."""
_AGAIN_S = 0.5
_LAST_WORDS_S = 0.5
"""How long the stream is listened to after the owner of a run has died: the engine dies a moment later."""

_FIRST = "0-0"


class RunWatcher(Protocol):
    """Someone who is told what a run does."""

    def happened(self, event: NumberedEvent) -> None:
        """The engine announced `event`, the next one."""

    def planned(self, tasks: tuple[str, ...]) -> None:
        """These are all tasks there will be, in build order."""

    def called(self, call: CallView) -> None:
        """An engine that announces nothing called the model."""

    def noted(self, text: str) -> None:
        """This stands in the way of watching; nothing does where it is empty."""


async def watch_run(store: RunStore, run: str, watcher: RunWatcher) -> RunEnd:
    """Tell `watcher` what the run has done and does until it ends. The run is left alone.

    Raises `BadInputError` where the run cannot be read.
    """
    return await _Watching(store, run, watcher).to_end()


class _Watching:
    def __init__(self, store: RunStore, run: str, watcher: RunWatcher) -> None:
        self._store = store
        self._run = run
        self._folder = store.folder(run)
        self._watcher = watcher
        self._events = EventFile(self._folder / "events.jsonl")
        self._calls = CallFile(self._folder / "calls.jsonl")
        self._on_file: deque[tuple[float, NumberedEvent]] = deque()
        """What was read from the file, and when, and may not be known yet."""
        self._seen = 0
        self._has_stream = False
        self._plan_is_due = False
        self._noted = ""

    async def to_end(self) -> RunEnd:
        end = await asyncio.to_thread(end_of, self._store, self._run)
        if end is None:
            self._has_stream = await asyncio.to_thread(self._place) is not None
            stream = asyncio.create_task(self._follow_stream())
            try:
                while (end := await asyncio.to_thread(end_of, self._store, self._run)) is None:
                    await self._look_at_files()
                    await asyncio.sleep(_LOOK_S)
                    if stream.done():
                        stream.result()
                if end.summary is None:
                    await asyncio.sleep(_LAST_WORDS_S)
            finally:
                stream.cancel()
                with suppress(asyncio.CancelledError):
                    await stream
        await self._look_at_files(last=True)
        return end

    def _place(self) -> StatePlace | None:
        """Where the events are streamed; None where that is nowhere, or a password is needed for it."""
        place = self._store.manifest(self._run).state
        return None if place is None or place.needs_password else place

    async def _follow_stream(self) -> None:
        ident, number = _FIRST, 0
        # Asked each time: whoever takes the run up again has a server of their own.
        while (place := await asyncio.to_thread(self._place)) is not None:
            try:
                async with RedisStateManager.open(place.url, self._run, patience_s=_PATIENCE_S) as state:
                    self._note("")
                    async with aclosing(state.events_after(ident)) as events:
                        async for streamed in events:
                            ident, number = streamed.ident, number + 1
                            self._tell(NumberedEvent(number, streamed.event, ident))
                            if self._plan_is_due and (known := await state.checkpoints()) is not None:
                                self._learn(known.plan)
            except StateUnavailable as error:
                self._note(f"{error}; what the harness has heard is shown")
            await asyncio.sleep(_AGAIN_S)

    async def _look_at_files(self, *, last: bool = False) -> None:
        now_s = asyncio.get_running_loop().time()
        self._on_file += [(now_s, event) for event in await asyncio.to_thread(self._events.fresh)]
        patience_s = _STREAM_FIRST_S if self._has_stream and not last else 0.0
        while self._on_file and now_s - self._on_file[0][0] >= patience_s:
            self._tell(self._on_file.popleft()[1])
            if self._plan_is_due:
                self._learn(await asyncio.to_thread(self._plan_on_file))
        if not self._seen:
            for call in await asyncio.to_thread(self._calls.rest if last else self._calls.fresh):
                self._watcher.called(call)

    def _tell(self, event: NumberedEvent) -> None:
        if event.number <= self._seen:
            return
        self._seen = event.number
        self._watcher.happened(event)
        happened = event.event
        if happened.kind is EventKind.TASK_COMPLETED and happened.task == str(AUDITOR):
            self._plan_is_due = True

    def _note(self, text: str) -> None:
        if text != self._noted:
            self._noted = text
            self._watcher.noted(text)

    def _learn(self, plan: Plan | None) -> None:
        if plan is not None:
            self._plan_is_due = False
            self._watcher.planned((*map(str, PLANNING), *map(str, build_tasks(plan))))

    def _plan_on_file(self) -> Plan | None:
        """The plan on the blackboard, where one lies there and is not being written this moment."""
        for path in (self._folder / "blackboard.json", self._folder / "files" / "blackboard.json"):
            board = read_blackboard(path)
            if board is not None and isinstance(plan := board.get("architecture"), dict):
                with suppress(UnusableAnswer):
                    return read_plan(plan)
        return None
