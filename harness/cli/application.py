"""The command `harness` with all its commands, each of which has a file of its own."""

from __future__ import annotations

import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer

from harness.cli.bisect import bisect
from harness.cli.cassette import cassette
from harness.cli.compare import compare
from harness.cli.diff import diff
from harness.cli.gateway import gateway
from harness.cli.mirror import mirror
from harness.cli.resume import resume
from harness.cli.runs import runs
from harness.cli.watch import watch

__all__ = ["app", "main"]

app = typer.Typer(
    help="Runs AgentFactory's legacy and async engines on the same specs and compares what they did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="compare")(compare)
app.command(name="diff")(diff)
app.command(name="bisect")(bisect)
app.command(name="resume")(resume)
app.command(name="watch")(watch)
app.command(name="gateway")(gateway)
app.add_typer(mirror, name="mirror")
app.add_typer(runs, name="runs")
app.add_typer(cassette, name="cassette")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a character is no reason to lose the report.
            stream.reconfigure(errors="replace")
    app()


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if show_version:
        typer.echo(version("agentfactory-migration-harness"))
        raise typer.Exit
