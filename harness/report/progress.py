"""The progress of a trial on standard error: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from agents.build import EventKind, TaskEvent
from harness.compare.outcome import describe_outcome
from harness.compare.text import visible
from harness.record import RunRecord
from harness.session import Session
from harness.spec import Spec

__all__ = ["TrialProgress"]

_EVERY_S = 10.0


class TrialProgress:
    """A `Watcher` that shows what it is told; a context manager, so that the line is gone at the end.

    The live line is there only while a run is under way: between runs reports are printed.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._line = self._live.add_task("starting", total=None)
        self._label = ""
        self._began_s = 0.0
        self._done = 0
        self._working: dict[str, None] = {}
        self._say_at_s = _EVERY_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def session_opened(self, session: Session) -> None:
        """Say which model answers and which Redis holds the state."""
        self._say(session.model.reason)
        for warning in session.warnings:
            self._say(warning)
        if session.redis_server:
            self._say(f"Redis: {session.redis_server}")

    def run_started(self, spec: Spec, side: str, engine: str) -> None:
        """Say that a run begins."""
        self._label = f"{spec.name}: {engine} ({side})"
        self._began_s = time.monotonic()
        self._done = 0
        self._working = {}
        self._say_at_s = _EVERY_S
        self._live.reset(self._line, description=visible(f"{self._label}: starting"))
        self._live.start()
        if not self._console.is_terminal:
            self._say(f"{self._label}: started")

    def happened(self, event: TaskEvent) -> None:
        """Show what the engine does."""
        if event.kind is EventKind.TASK_STARTED:
            self._working[event.task] = None
        else:
            self._working.pop(event.task, None)
            self._done += event.kind is EventKind.TASK_COMPLETED
        working = ", ".join(self._working)
        doing = visible(f"{self._label}: {self._done} tasks done; {working}")
        self._live.update(self._line, description=doing)
        if event.kind in (EventKind.TASK_FAILED, EventKind.TASK_SKIPPED):
            self._say(f"{self._label}: {event}")
        elif event.kind is EventKind.TASK_COMPLETED and not self._console.is_terminal:
            self._say(f"{self._label}: {time.monotonic() - self._began_s:.1f} s: {event.task} done")

    def progressed(self, text: str) -> None:
        """Show how far an engine is that announces nothing; elsewhere than on a terminal now and then."""
        self._live.update(self._line, description=visible(f"{self._label}: {text}"))
        passed_s = time.monotonic() - self._began_s
        if not self._console.is_terminal and passed_s >= self._say_at_s:
            self._say_at_s = passed_s + _EVERY_S
            self._say(f"{self._label}: {passed_s:.1f} s: {text}")

    def run_finished(self, record: RunRecord) -> None:
        """Say how the run ended."""
        self._live.stop()
        ended = describe_outcome(record.summary.outcome)
        self._say(f"{self._label}: {ended} in {record.summary.wall_s:.1f} s")
        if record.summary.resumable:
            self._say(f"{self._label}: harness resume {record.summary.id} goes on with it")

    def _say(self, line: str) -> None:
        self._console.print(visible(line), markup=False, emoji=False, highlight=False, soft_wrap=True)
