"""The timeline of a run as bars of characters, a row for each module."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from harness.compare import Comparison
from harness.record import TimelineSpan

__all__ = ["timeline_rows"]

_WIDTH = 60
_MOST_ROWS = 24
_PROJECT = "(project)"


def timeline_rows(comparison: Comparison) -> Table | None:
    """When the candidate's modules were generated; None where there is nothing to draw, or too much."""
    side = comparison.candidate
    rows: dict[str, list[TimelineSpan]] = {}
    for span in side.timeline:
        if span.granted_s is not None:
            rows.setdefault(span.module or _PROJECT, []).append(span)
    end_s = max((span.end_s for spans in rows.values() for span in spans), default=0.0)
    if not end_s or len(rows) > _MOST_ROWS:
        return None
    table = Table(box=None, padding=(0, 2))
    table.add_column("timeline")
    table.add_column(f"{side.engine}, 0 to {end_s:.1f} s, █ generating")
    for name, spans in rows.items():
        table.add_row(name, _bar(spans, end_s))
    return table


def _bar(spans: Sequence[TimelineSpan], end_s: float) -> Text:
    cells = [" "] * _WIDTH
    for span in spans:
        first = int(max(0.0, span.granted_s or 0.0) / end_s * _WIDTH)
        last = max(first + 1, round(span.end_s / end_s * _WIDTH))
        for cell in range(first, min(last, _WIDTH)):
            cells[cell] = "█"
    return Text("".join(cells), "cyan")
