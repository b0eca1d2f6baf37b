"""`harness diff`: compare two runs that are on record."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import DEFAULT_STORE, Json, Store
from harness.cli.running import print_json, reporting
from harness.compare.verdict import exit_code
from harness.record import RunStore
from harness.report.terminal import print_comparison
from harness.stored_runs import compare_stored

__all__ = ["diff"]


def diff(
    control: Annotated[
        str,
        typer.Argument(help="Id of the run that is the measure, or its beginning.", metavar="CONTROL_RUN"),
    ],
    candidate: Annotated[
        str, typer.Argument(help="Id of the run that is judged, or its beginning.", metavar="CANDIDATE_RUN")
    ],
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Compare two stored runs of one spec; nothing is run.

    Exit codes: 0 equal, 1 mismatch, 2 they cannot be compared, 3 a run failed or is inconclusive.
    """
    with reporting():
        comparison = compare_stored(RunStore(store), control, candidate)
    if as_json:
        print_json(comparison.model_dump(mode="json"))
    else:
        print_comparison(Console(highlight=False), comparison)
    raise typer.Exit(exit_code(comparison.verdict.status))
