"""A resumed run on the terminal: where it lies, what is to be known, and how it ended as the last line."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from harness.compare.outcome import describe_outcome
from harness.compare.text import visible
from harness.record import OutcomeStatus, RunSummary
from harness.resume import ResumedRun

__all__ = ["print_resumed", "sittings_of"]


def print_resumed(console: Console, run: ResumedRun) -> None:
    """Print `run`."""
    summary = run.summary
    console.print(Text(f"run: {visible(str(run.folder))}", "dim"), soft_wrap=True)
    for note in run.notes:
        console.print(Text.assemble(("note: ", "yellow"), visible(note)), soft_wrap=True)
    finished = summary.outcome.status is OutcomeStatus.FINISHED
    when = "" if run.resumed else "had ended before, and is left as it is: "
    files = f"{len(summary.files)} file{'' if len(summary.files) == 1 else 's'}"
    console.print(
        Text.assemble(
            f"{visible(summary.spec)}: {when}",
            (visible(describe_outcome(summary.outcome)), "bold green" if finished else "bold magenta"),
            f"; {files}{sittings_of(summary)}",
        ),
        soft_wrap=True,
    )


def sittings_of(summary: RunSummary) -> str:
    """That a run was resumed, to go behind a sentence; empty where it was not."""
    return f"; resumed, {summary.sittings} sittings" if summary.sittings > 1 else ""
