"""The pairs of a comparison that was repeated, as a table, and the interval of its speed-up."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from harness.compare import Pair, Repeats, Status

__all__ = ["interval_lines", "repeats_table"]


def repeats_table(repeats: Repeats) -> Table:
    """A row for each pair, in the order in which they ran."""
    table = Table(box=None, padding=(0, 0, 0, 2))
    table.add_column("pairs")
    for column in ("control", "candidate", "speed-up", "load"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    outliers = set(repeats.speedup.outliers) if repeats.speedup else set()
    timed = 0
    for number, pair in enumerate(repeats.pairs):
        table.add_row(
            "warm-up" if pair.warm_up else f"pair {number}, {pair.first} first",
            f"{pair.control_wall_s:.2f} s",
            f"{pair.candidate_wall_s:.2f} s",
            f"{pair.control_wall_s / pair.candidate_wall_s:.2f}" if pair.candidate_wall_s else "-",
            f"{pair.load:.1f}",
            _remark(pair, outlier=pair.timed and timed in outliers),
        )
        timed += pair.timed
    return table


def interval_lines(repeats: Repeats) -> list[Text]:
    """The speed-up of all pairs with its interval, and how that came about; nothing where there is none."""
    estimate = repeats.speedup
    if estimate is None:
        return [Text("no pair has times that count, so nothing is said of a speed-up", "yellow")]
    return [Text(f"speed-up {estimate}"), Text(estimate.method, "dim")]


def _remark(pair: Pair, *, outlier: bool) -> Text:
    parts = ["not timed"] if not pair.timed and not pair.warm_up else []
    parts += ["outlier, counted"] if outlier else []
    if pair.status is not Status.PASS:
        parts.append(f"{pair.status.value}, {pair.mismatches} mismatch{'' if pair.mismatches == 1 else 'es'}")
    return Text("; ".join(parts), "yellow")
