"""`harness cassette`: what is in cassettes, what was used of them, and what nobody needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cassettes import (
    cassette_facts,
    entry_facts,
    entry_on,
    find_cassettes,
    open_cassette,
    prune,
    runs_that_replayed,
    verify,
)
from harness.cli.options import DEFAULT_STORE, Json, Store
from harness.cli.running import print_json, reporting
from harness.record import RunStore
from harness.report.cassettes import print_cassettes, print_entries, print_entry, print_pruning

__all__ = ["cassette"]

cassette = typer.Typer(help="Look after cassettes: recorded answers of a model.", no_args_is_help=True)

_Cassettes = Annotated[
    list[Path], typer.Argument(help="Cassettes, or folders of them.", metavar="CASSETTE...")
]
_CassetteFile = Annotated[Path, typer.Argument(help="A cassette (NAME.jsonl).", metavar="CASSETTE")]


@cassette.command(name="list")
def _list(paths: _Cassettes, as_json: Json = False) -> None:
    """Say what is in each cassette."""
    with reporting():
        found = [cassette_facts(open_cassette(path)) for path in find_cassettes(paths)]
        if as_json:
            print_json([facts.model_dump(mode="json") for facts in found])
        else:
            print_cassettes(Console(highlight=False), found)


@cassette.command(name="show")
def _show(
    path: _CassetteFile,
    line: Annotated[int | None, typer.Option(help="Show the entry on this line, whole.")] = None,
    run: Annotated[list[str] | None, typer.Option(help="Count what this run used; may be repeated.")] = None,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """List the entries of a cassette, or show one of them whole."""
    with reporting():
        opened = open_cassette(path)
        out = Console(highlight=False)
        if line is not None:
            entry = entry_on(opened, line)
            print_json(entry.model_dump(mode="json")) if as_json else print_entry(out, entry)
            return
        runs = runs_that_replayed(RunStore(store), path, run) if run else []
        entries = entry_facts(opened, runs)
        if as_json:
            print_json([facts.model_dump(mode="json") for facts in entries])
        else:
            print_entries(out, entries)


@cassette.command(name="verify")
def _verify(paths: _Cassettes, as_json: Json = False) -> None:
    """Check that every entry of each cassette can be replayed; exit code 1 where one cannot."""
    with reporting():
        found = {str(path): verify(path) for path in find_cassettes(paths)}
    if as_json:
        print_json(found)
    for path, problems in () if as_json else found.items():
        typer.echo("\n".join(problems) if problems else f"{path}: good")
    raise typer.Exit(1 if any(found.values()) else 0)


@cassette.command(name="prune")
def _prune(
    path: _CassetteFile,
    run: Annotated[
        list[str] | None, typer.Option(help="Keep what this run used (default: what any stored run used).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be dropped, drop nothing.")
    ] = False,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Drop the entries that no run used; the cassette as it was is kept beside it."""
    with reporting():
        runs = runs_that_replayed(RunStore(store), path, run or ())
        pruning = prune(open_cassette(path), runs, dry_run=dry_run)
        if as_json:
            print_json(pruning.model_dump(mode="json"))
        else:
            print_pruning(Console(highlight=False), pruning, dry_run=dry_run)
