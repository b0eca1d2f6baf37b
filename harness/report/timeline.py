"""The timeline of a run as bars of characters, a row for each module."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from harness.compare import Comparison
from harness.compare.text import visible
from harness.record import TimelineSpan

__all__ = ["timeline_rows"]

_WIDEST = 60
_NARROWEST = 10
_LONGEST_NAME = 24
_MARGINS = 4
_MOST_ROWS = 24
_PROJECT = "(project)"


def timeline_rows(comparison: Comparison, width: int) -> Table | None:
    """When the candidate's modules were generated, in a table that fits into `width` characters.

    None where there is nothing to draw, or too much.
    """
    rows: dict[str, list[TimelineSpan]] = {}
    for span in comparison.candidate.timeline:
        if span.granted_s is not None:
            rows.setdefault(visible(span.module or _PROJECT), []).append(span)
    end_s = max((span.end_s for spans in rows.values() for span in spans), default=0.0)
    if end_s <= 0 or len(rows) > _MOST_ROWS:
        return None
    names = min(_LONGEST_NAME, max(map(len, rows)))
    cells = max(_NARROWEST, min(_WIDEST, width - names - _MARGINS))
    table = Table(box=None, padding=(0, 0, 0, 2))
    table.add_column("timeline", no_wrap=True, max_width=_LONGEST_NAME)
    table.add_column(f"candidate, 0 to {end_s:.1f} s", no_wrap=True, min_width=cells)
    for name, spans in rows.items():
        table.add_row(Text(name, overflow="ellipsis"), _bar(spans, end_s, cells))
    return table


def _bar(spans: Sequence[TimelineSpan], end_s: float, cells: int) -> Text:
    """A bar with a mark wherever one of `spans` was generating; the shortest has one."""
    marks = [" "] * cells
    for span in spans:
        first = min(cells - 1, int(max(0.0, span.granted_s or 0.0) / end_s * cells))
        last = max(first + 1, round(span.end_s / end_s * cells))
        marks[first:last] = "█" * (last - first)
    return Text("".join(marks), "cyan")
