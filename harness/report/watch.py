"""A run that is watched: a live screen on a terminal, plain lines elsewhere, or a line of JSON per event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from rich.console import Console

from harness.record import RunManifest
from harness.report.watch_lines import JsonLines, PlainLines
from harness.report.watch_screen import WatchScreen
from harness.watch import Expectation, RunEnd, RunWatcher

__all__ = ["RunDisplay", "showing"]


class RunDisplay(RunWatcher, Protocol):
    """A `RunWatcher` that also shows the end."""

    def ended(self, end: RunEnd) -> None:
        """Show how the run ended."""


@asynccontextmanager
async def showing(
    console: Console, manifest: RunManifest, expected: Expectation | None, *, as_json: bool
) -> AsyncIterator[RunDisplay]:
    """Show a run in the form that fits, for the length of the block."""
    if as_json:
        yield JsonLines()
    elif not console.is_terminal:
        yield PlainLines(console, manifest, expected)
    else:
        screen = WatchScreen(console, manifest, expected)
        with screen.live:
            refreshing = asyncio.create_task(screen.keep_fresh())
            try:
                yield screen
            finally:
                refreshing.cancel()
                with suppress(asyncio.CancelledError):
                    await refreshing
