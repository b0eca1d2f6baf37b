"""A build on the terminal: what may be known of it, and where it lies as the last line."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from harness.builds import Built
from harness.compare.text import visible
from harness.record import OutcomeStatus
from harness.report.durations import duration

__all__ = ["print_built"]


def print_built(console: Console, built: Built) -> None:
    """Print `built`."""

    def note(text: str, style: str = "yellow") -> None:
        console.print(Text.assemble(("note: ", style), visible(text)), soft_wrap=True)

    if built.flags.problem:
        note(f"{built.flags.problem}; built by legacy")
    for override in built.flags.overridden:
        note(f"{override} in the environment, for this build")
    if built.fell_back_from:
        note(f"async failed, and legacy did it over: {built.fallback_reason} (run {built.fell_back_from})")
    if built.shadow:
        note("waits to be compared with the other engine: harness phase watch", "dim")
    console.print(Text(f"run: {visible(built.folder)}", "dim"), soft_wrap=True)
    finished = built.outcome.status is OutcomeStatus.FINISHED
    where = f"; its files are in {visible(built.output)}" if built.output else "; nothing was delivered"
    console.print(
        Text.assemble(
            f"{visible(built.spec)}: ",
            (visible(built.described), "bold green" if finished else "bold magenta"),
            f" by {visible(built.engine)} in {duration(built.wall_s)}{where}",
        ),
        soft_wrap=True,
    )
