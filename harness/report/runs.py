"""The runs of a store on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.compare.text import visible
from harness.report.durations import duration
from harness.stored_runs import Pruning, RunState, StoredRun

__all__ = ["print_pruned", "print_runs"]

_NUMBERS = frozenset({"took", "calls", "size"})
_WIDEST = 1_000
_STYLES = {RunState.FINISHED: "green", RunState.UNDER_WAY: "bold"}


def print_runs(console: Console, store: Path, runs: Sequence[StoredRun]) -> None:
    """A line for each run, and below the table why a run cannot be read."""
    if not runs:
        console.print(Text(f"no runs in {visible(str(store))}"), soft_wrap=True)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("run", "spec", "engine", "state", "took", "calls", "size"):
        justify: Literal["left", "right"] = "right" if column in _NUMBERS else "left"
        table.add_column(column, justify=justify, no_wrap=True)
    for run in runs:
        table.add_row(
            Text(visible(run.id)),
            Text(visible(run.spec or "-")),
            Text(visible(run.engine or "-")),
            Text(f"{run.state}{', resumable' if run.resumable else ''}", _STYLES.get(run.state, "yellow")),
            "-" if run.wall_s is None else duration(run.wall_s),
            str(run.calls),
            _size(run.size),
        )
    # As wide as it is: an id is there to be copied, and a terminal can wrap what a pipe must not lose.
    Console(file=console.file, width=_WIDEST, highlight=False).print(table)
    for run in runs:
        if run.state is RunState.UNREADABLE:
            console.print(Text(f"{visible(run.id)}: {visible(run.described)}", "yellow"), soft_wrap=True)
    total = sum(run.size for run in runs)
    console.print(Text(f"{_count(len(runs))}, {_size(total)}"), soft_wrap=True)


def print_pruned(console: Console, pruning: Pruning, *, dry_run: bool) -> None:
    """A line for each run that was removed, and how much that freed as the last line."""
    done = "would be removed" if dry_run else "removed"
    for run in pruning.removed:
        console.print(Text(f"{visible(run.id)}: {run.state}, {_size(run.size)}"), soft_wrap=True)
    for folder in pruning.redis:
        console.print(Text(f"{visible(folder)}: data of its Redis"), soft_wrap=True)
    for left in pruning.unreadable:
        console.print(Text(f"{visible(left)}: left as it is, it cannot be read", "yellow"), soft_wrap=True)
    sentence = f"{_count(len(pruning.removed))} {done}, {pruning.freed} bytes; {pruning.kept} kept"
    console.print(Text(sentence), soft_wrap=True)


def _count(runs: int) -> str:
    return f"{runs} run{'' if runs == 1 else 's'}"


def _size(size: int) -> str:
    return f"{size / 1000:.0f} kB" if size < 999_500 else f"{size / 1_000_000:.1f} MB"
