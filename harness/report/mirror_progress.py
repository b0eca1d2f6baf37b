"""The progress of mirroring on standard error: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from async_arch.document_mirror import Saved
from harness.compare.text import visible
from harness.state.backfill import Backfilled
from harness.state.board import Board
from harness.state.project import Project

__all__ = ["BackfillProgress", "FollowProgress"]

_EVERY_S = 5.0


class _Line:
    """A line that is rewritten on a terminal; a context manager, so that it is gone at the end."""

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
        self._task = self._live.add_task("waiting", total=None)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, text: str) -> None:
        """Put `text` on the line."""
        self._live.update(self._task, description=visible(text))

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(visible(text), markup=False, emoji=False, highlight=False, soft_wrap=True)


class FollowProgress(_Line):
    """A `FollowWatcher` that shows what it is told."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._count = 0

    def mirrored(self, project: Project, board: Board, saved: Saved, lag_s: float | None) -> None:
        """Show the state that was mirrored."""
        self._count += 1
        lag = "" if lag_s is None else f", {1000 * lag_s:.0f} ms after it was written"
        writes = f"{saved.writes} write{'' if saved.writes == 1 else 's'}"
        text = f"{project.path.name}: {board.size / 1000:.1f} kB, {writes}{lag}"
        self.show(f"{self._count} states mirrored; {text}")
        if not self._console.is_terminal:
            self.say(f"mirrored {text}")

    def unreadable(self, project: Project, reason: str) -> None:
        """Say that there has been no whole state for long."""
        self.say(f"no whole state for long: {reason}")

    def away(self, project: Project, reason: str) -> None:
        """Say that Redis does not take it for now."""
        self.say(f"{project.path.name}: not mirrored for now: {reason}")


class BackfillProgress(_Line):
    """A `BackfillWatcher` that shows how much is done, and how fast."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._count = 0
        self._done = 0
        self._size = 0
        self._began_s = time.monotonic()
        self._say_at_s = _EVERY_S

    @property
    def took_s(self) -> float:
        """How long it has taken since it began."""
        return time.monotonic() - self._began_s

    def began(self, count: int) -> None:
        """Start the clock."""
        self._count = count
        self._began_s = time.monotonic()

    def done(self, backfilled: Backfilled) -> None:
        """Show that one more is done with; elsewhere than on a terminal now and then."""
        self._done += 1
        self._size += backfilled.size
        rate = self._size / 1e6 / max(self.took_s, 1e-6)
        text = f"{self._done} of {self._count} projects, {rate:.1f} MB/s"
        self.show(text)
        if not self._console.is_terminal and self.took_s >= self._say_at_s:
            self._say_at_s = self.took_s + _EVERY_S
            self.say(text)
