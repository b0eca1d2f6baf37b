"""A run that is watched, on a terminal: one screen that is drawn anew while the run goes on."""

from __future__ import annotations

import asyncio
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from harness.compare.text import visible
from harness.record import RunManifest
from harness.report.build_screen import build_screen
from harness.report.durations import duration
from harness.report.run_words import describe_end, describe_expectation, surroundings
from harness.watch import BuildView, CallView, Expectation, NumberedEvent, RunEnd

__all__ = ["WatchScreen"]

_REFRESH_S = 0.25


class WatchScreen:
    """A display on `console`; `live` is the context in which it is there."""

    def __init__(self, console: Console, manifest: RunManifest, expected: Expectation | None) -> None:
        self.live = Live(console=console, auto_refresh=False)
        self._console = console
        self._manifest = manifest
        self._expected = expected
        self._view = BuildView()
        self._note = ""
        self._end: RunEnd | None = None

    def happened(self, event: NumberedEvent) -> None:
        """Learn of the event."""
        self._view.add(event.event)

    def planned(self, tasks: tuple[str, ...]) -> None:
        """Learn which tasks there are in all."""
        self._view.plan(tasks)

    def called(self, call: CallView) -> None:
        """Learn of the call."""
        self._view.called(call)

    def noted(self, text: str) -> None:
        """Show what stands in the way."""
        self._note = text

    def ended(self, end: RunEnd) -> None:
        """Draw the screen for the last time, whole."""
        self._end = end
        self._note = ""
        self._refresh()

    async def keep_fresh(self) -> None:
        """Draw the screen anew every moment until cancelled."""
        while True:
            self._refresh()
            await asyncio.sleep(_REFRESH_S)

    def _refresh(self) -> None:
        self.live.update(self.drawn(datetime.now().astimezone()), refresh=True)

    def drawn(self, now: datetime) -> RenderableType:
        """The screen as it is `now`; while the run is under way no higher than the terminal."""
        whole = self._with_modules(now)
        excess = len(self._console.render_lines(whole)) - self._console.height
        if self._end is not None or excess <= 0:
            return whole
        return self._with_modules(now, len(self._view.modules) - excess)

    def _with_modules(self, now: datetime, rows: int | None = None) -> RenderableType:
        parts: list[RenderableType] = [
            Rule(Text(visible(self._manifest.spec.name)), align="left", style="dim"),
            Text(visible(" · ".join(surroundings(self._manifest, self._view.sitting))), overflow="fold"),
            Text(f"run {self._manifest.id}", "dim", overflow="fold"),
            "",
            build_screen(self._view, now, self._time(now), rows=rows),
        ]
        if self._note:
            parts.append(Padding(Text(visible(self._note), "yellow"), (0, 0, 0, 2)))
        if self._end is not None:
            style = "bold green" if self._end.finished else "bold red"
            parts += ["", Text(visible(describe_end(self._end)), style, overflow="fold")]
        return Group(*parts)

    def _time(self, now: datetime) -> Text:
        ended = self._end is not None
        worked_s = self._view.worked_s(None if ended else now)
        if worked_s is None:
            began = datetime.fromisoformat(self._manifest.owner.began_at)
            worked_s = 0.0 if ended else max(0.0, (now - began).total_seconds())
        if self._end is not None and self._end.summary is not None:
            worked_s = self._end.summary.wall_s
        line = Text(duration(worked_s))
        if self._expected is None:
            return line if ended else line.append("; nothing to expect it by: no earlier run like it", "dim")
        line.append(f"; {describe_expectation(self._expected)}")
        left_s = self._expected.wall_s - worked_s
        if not ended:
            line.append(f", {duration(left_s)} left" if left_s > 0 else f", {duration(-left_s)} over", "bold")
        return line
