"""`harness runs`: which runs are on record, and the removal of those that nobody needs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import DEFAULT_STORE, Json, Store
from harness.cli.running import print_json, reporting, run_to_end
from harness.errors import BadInputError
from harness.record import RunStore
from harness.report.runs import print_pruned, print_runs
from harness.stored_runs import PruningRule, prune_runs, stored_runs

__all__ = ["runs"]

runs = typer.Typer(help="List the stored runs, and remove old ones.")


@runs.callback(invoke_without_command=True)
def _list(context: typer.Context, store: Store = DEFAULT_STORE, as_json: Json = False) -> None:
    """List the stored runs, the oldest first, or remove old ones (prune)."""
    with reporting():
        if context.invoked_subcommand:
            if (store, as_json) != (DEFAULT_STORE, False):
                # Else what was meant for one store would be removed from another.
                raise BadInputError(f"say --store and --json behind {context.invoked_subcommand}")
            return
        opened = RunStore(store)
        found = stored_runs(opened)
    if as_json:
        print_json([run.model_dump(mode="json") for run in found])
    else:
        print_runs(Console(highlight=False), opened.root, found)


@runs.command(name="prune")
def _prune(
    keep: Annotated[
        int | None, typer.Option(min=0, help="Keep this many of the runs that may go, the newest.")
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(min=0, max=100_000, metavar="DAYS", help="Remove only what began longer ago."),
    ] = None,
    resumable: Annotated[
        bool, typer.Option("--resumable", help="Remove runs too that were cut off and can be resumed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be removed, remove nothing.")
    ] = False,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Remove the oldest runs: never one that is under way, nor one that can be resumed unless told so.

    Exit codes: 0 done, 2 bad input, 3 a run could not be removed.
    """
    rule = PruningRule(keep, None if older_than is None else timedelta(days=older_than), resumable)
    now = datetime.now().astimezone()
    with reporting():
        pruning = run_to_end(prune_runs(RunStore(store), rule, now, dry_run=dry_run))
    if as_json:
        print_json(pruning.model_dump(mode="json") | {"dry_run": dry_run})
    else:
        print_pruned(Console(highlight=False), pruning, dry_run=dry_run)
