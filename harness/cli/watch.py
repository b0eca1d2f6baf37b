"""`harness watch`: see what a run does."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import DEFAULT_STORE, Store
from harness.cli.running import reporting, run_to_end
from harness.record import RunStore
from harness.report.watch import showing
from harness.watch import RunEnd, choose_run, expectation, watch_run

__all__ = ["watch"]


def watch(
    run: Annotated[
        str | None,
        typer.Argument(
            help="Its id, or the beginning of it (default: the newest that is under way, else the last).",
            metavar="[RUN]",
            show_default=False,
        ),
    ] = None,
    store: Store = DEFAULT_STORE,
    as_json: Annotated[bool, typer.Option("--json", help="Print every event as a line of JSON.")] = False,
) -> None:
    """Show what a run has done and does, until it ends; the run is left alone.

    Exit codes: 0 the run finished, 2 there is no such run, 3 it failed or was cut off.
    """
    with reporting():
        end = run_to_end(_watch(RunStore(store), run, as_json), stopped="no longer watching; the run goes on")
    raise typer.Exit(0 if end.finished else 3)


async def _watch(store: RunStore, wanted: str | None, as_json: bool) -> RunEnd:
    choice = choose_run(store, wanted)
    if wanted is None:
        others = f"; also under way: {', '.join(choice.others)}" if choice.others else ""
        typer.echo(f"harness: watching {choice.run}{others}", err=True)
    manifest = store.manifest(choice.run)
    expected = expectation(store, manifest)
    async with showing(Console(highlight=False), manifest, expected, as_json=as_json) as display:
        end = await watch_run(store, choice.run, display)
        display.ended(end)
    return end
