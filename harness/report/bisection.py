"""A bisection on the terminal: a line for each step that was walked, the blame as the last line."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.bisect import Bisection
from harness.compare import Status
from harness.compare.text import visible

__all__ = ["print_bisection"]

_MOST_SHOWN = 8


def print_bisection(console: Console, bisection: Bisection) -> None:
    """Print the steps of `bisection`, what differs in the last, and which is to blame."""
    table = Table(box=None, padding=(0, 0, 0, 2))
    for column in ("step", "phase", "verdict", "mismatches"):
        table.add_column(column, no_wrap=True)
    for walked in bisection.steps:
        table.add_row(
            Text(str(walked.step)),
            str(walked.step.phase),
            Text(walked.status.value, "green" if walked.status is Status.PASS else "red"),
            str(len(walked.mismatches)),
        )
    console.print(table)
    found = [m for m in bisection.steps[-1].mismatches if not m.follows]
    for mismatch in found[:_MOST_SHOWN]:
        console.print(Text(visible(f"  {mismatch.layer.value}: {mismatch.sentence}")))
    if len(found) > _MOST_SHOWN:
        console.print(Text(f"  and {len(found) - _MOST_SHOWN} more of this weight"))
    console.print(Text(visible(f"{bisection.status.value} {bisection.sentence}")), soft_wrap=True)
