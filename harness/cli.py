"""The command line. It holds no logic: what a command does, a function of the library does."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

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
from harness.compare import Comparison
from harness.compare.verdict import exit_code, worst
from harness.errors import BadInputError, HarnessError
from harness.gateway.settings import SimulateSettings
from harness.record import RunStore
from harness.report.cassettes import print_cassettes, print_entries, print_entry, print_pruning
from harness.report.gateway_calls import GatewayCalls
from harness.report.progress import TrialProgress
from harness.report.terminal import print_comparison, print_summary
from harness.serve import serve_model
from harness.session import SessionSettings
from harness.spec import Spec, find_specs
from harness.trial import run_trial

__all__ = ["app", "main"]

T = TypeVar("T")

app = typer.Typer(
    help="Runs AgentFactory's legacy and async engines on the same specs and compares what they did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


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


@app.command(name="compare")
def compare_command(
    specs: Annotated[list[Path], typer.Argument(help="Spec files, or folders of them.", metavar="SPEC...")],
    control: Annotated[str, typer.Option(help="Engine that is the measure.")] = "legacy",
    candidate: Annotated[str, typer.Option(help="Engine that is judged.")] = "async",
    model: Annotated[
        str,
        typer.Option(
            help="auto (Ollama where one answers, else simulated), simulated, ollama[:URL], local (a small "
            "real model, with the extra local-model), record:FOLDER[@URL] or replay:FOLDER."
        ),
    ] = "auto",
    time_scale: Annotated[
        float, typer.Option(min=0, help="Replay: what the recorded times are multiplied with; 0 is at once.")
    ] = 1.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="What is to go wrong, such as 'role=developer,times=1:500'; may be repeated."),
    ] = None,
    slots: Annotated[int, typer.Option(min=1, help="Calls the model answers at once.")] = 4,
    redis: Annotated[str, typer.Option(help="embedded, or redis://host:port/db.")] = "embedded",
    ttft: Annotated[
        float, typer.Option(min=0, help="Simulated model: seconds to the first token.")
    ] = SimulateSettings().ttft_s,
    tokens_per_second: Annotated[
        float, typer.Option(min=0.1, help="Simulated model: speed of one call.")
    ] = SimulateSettings().tokens_per_s,
    call_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that one call to the model may take, queueing included.")
    ] = 600.0,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one run may take.")] = 3600.0,
    store: Annotated[Path, typer.Option(help="Folder in which runs are kept.")] = Path(".harness"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Run control and candidate on every SPEC and compare what they did.

    Exit codes: 0 equal, 1 mismatch, 2 bad input, 3 a run failed or is inconclusive.
    """
    settings = SessionSettings(
        model=model,
        slots=slots,
        redis=redis,
        time_scale=time_scale,
        faults=tuple(fault or ()),
        simulated=SimulateSettings(ttft_s=ttft, tokens_per_s=tokens_per_second),
        call_timeout_s=call_timeout,
        deadline_s=timeout,
        store=store,
    )
    try:
        found = find_specs(specs)
        comparisons = _run(_compare(found, control, candidate, settings, as_json))
    except HarnessError as error:
        _stop(str(error), 2 if isinstance(error, BadInputError) else 3)
    if as_json:
        typer.echo(json.dumps([comparison.model_dump(mode="json") for comparison in comparisons], indent=2))
    raise typer.Exit(exit_code(worst(comparison.verdict.status for comparison in comparisons)))


@app.command(name="gateway")
def gateway_command(
    listen: Annotated[str, typer.Option(help="HOST:PORT to listen on; port 0 takes a free one.")] = (
        "127.0.0.1:11435"
    ),
    upstream: Annotated[
        str,
        typer.Option(
            help="What answers, as for compare --model: ollama:URL, simulated, local, replay:FOLDER, ..."
        ),
    ] = "auto",
    fault: Annotated[
        list[str] | None,
        typer.Option(help="What is to go wrong, such as 'role=developer,times=1:500'; may be repeated."),
    ] = None,
    slots: Annotated[int, typer.Option(min=1, help="Calls the model answers at once.")] = 4,
    cassette: Annotated[str, typer.Option(help="Record and replay: the name of the cassette.")] = "gateway",
    time_scale: Annotated[
        float, typer.Option(min=0, help="Replay: what recorded times are multiplied with.")
    ] = 1.0,
    ttft: Annotated[float, typer.Option(min=0, help="Simulated model: seconds to the first token.")] = (
        SimulateSettings().ttft_s
    ),
    tokens_per_second: Annotated[
        float, typer.Option(min=0.1, help="Simulated model: speed of one call.")
    ] = SimulateSettings().tokens_per_s,
    upstream_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that an Ollama behind it may be silent.")
    ] = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print every call as a line of JSON.")] = False,
) -> None:
    """Run the gateway alone: point OLLAMA_HOST of any client at it. Ends with Ctrl-C or SIGTERM."""
    simulated = SimulateSettings(ttft_s=ttft, tokens_per_s=tokens_per_second)
    shown = GatewayCalls(as_json=as_json)
    with _reporting():
        _run(
            serve_model(
                upstream,
                listen,
                slots=slots,
                cassette=cassette,
                faults=fault or (),
                simulated=simulated,
                time_scale=time_scale,
                upstream_timeout_s=upstream_timeout,
                watcher=shown,
            )
        )


cassette_app = typer.Typer(help="Look after cassettes: recorded answers of a model.", no_args_is_help=True)
app.add_typer(cassette_app, name="cassette")

_Cassettes = Annotated[
    list[Path], typer.Argument(help="Cassettes, or folders of them.", metavar="CASSETTE...")
]
_CassetteFile = Annotated[Path, typer.Argument(help="A cassette (NAME.jsonl).", metavar="CASSETTE")]
_Store = Annotated[Path, typer.Option(help="Folder in which runs are kept.")]
_Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@cassette_app.command(name="list")
def cassette_list(paths: _Cassettes, as_json: _Json = False) -> None:
    """Say what is in each cassette."""
    with _reporting():
        found = [cassette_facts(open_cassette(path)) for path in find_cassettes(paths)]
        if as_json:
            _print_json([facts.model_dump(mode="json") for facts in found])
        else:
            print_cassettes(Console(highlight=False), found)


@cassette_app.command(name="show")
def cassette_show(
    path: _CassetteFile,
    line: Annotated[int | None, typer.Option(help="Show the entry on this line, whole.")] = None,
    run: Annotated[list[str] | None, typer.Option(help="Count what this run used; may be repeated.")] = None,
    store: _Store = Path(".harness"),
    as_json: _Json = False,
) -> None:
    """List the entries of a cassette, or show one of them whole."""
    with _reporting():
        cassette = open_cassette(path)
        out = Console(highlight=False)
        if line is not None:
            entry = entry_on(cassette, line)
            _print_json(entry.model_dump(mode="json")) if as_json else print_entry(out, entry)
            return
        runs = runs_that_replayed(RunStore(store), path, run) if run else []
        entries = entry_facts(cassette, runs)
        if as_json:
            _print_json([facts.model_dump(mode="json") for facts in entries])
        else:
            print_entries(out, entries)


@cassette_app.command(name="verify")
def cassette_verify(paths: _Cassettes, as_json: _Json = False) -> None:
    """Check that every entry of each cassette can be replayed; exit code 1 where one cannot."""
    with _reporting():
        found = {str(path): verify(path) for path in find_cassettes(paths)}
    if as_json:
        _print_json(found)
    for path, problems in () if as_json else found.items():
        typer.echo("\n".join(problems) if problems else f"{path}: good")
    raise typer.Exit(1 if any(found.values()) else 0)


@cassette_app.command(name="prune")
def cassette_prune(
    path: _CassetteFile,
    run: Annotated[
        list[str] | None, typer.Option(help="Keep what this run used (default: what any stored run used).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be dropped, drop nothing.")
    ] = False,
    store: _Store = Path(".harness"),
    as_json: _Json = False,
) -> None:
    """Drop the entries that no run used; the cassette as it was is kept beside it."""
    with _reporting():
        runs = runs_that_replayed(RunStore(store), path, run or ())
        pruning = prune(open_cassette(path), runs, dry_run=dry_run)
        if as_json:
            _print_json(pruning.model_dump(mode="json"))
        else:
            print_pruning(Console(highlight=False), pruning, dry_run=dry_run)


@contextmanager
def _reporting() -> Iterator[None]:
    """Turn an error of the harness into one line and its exit code."""
    try:
        yield
    except HarnessError as error:
        _stop(str(error), 2 if isinstance(error, BadInputError) else 3)


def _print_json(result: object) -> None:
    typer.echo(json.dumps(result, indent=2))


async def _compare(
    specs: list[Spec], control: str, candidate: str, settings: SessionSettings, as_json: bool
) -> list[Comparison]:
    comparisons = []
    out = Console(quiet=as_json, highlight=False)
    with TrialProgress(Console(stderr=True)) as progress:
        async for comparison in run_trial(specs, control, candidate, settings, progress):
            print_comparison(out, comparison)
            comparisons.append(comparison)
    if len(comparisons) > 1:
        print_summary(out, comparisons)
    return comparisons


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end; Ctrl-C and SIGTERM cancel it, and it cleans up before the process ends."""

    async def cancellable() -> T:
        this = asyncio.current_task()
        if this is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        return await work

    try:
        return asyncio.run(cancellable())
    except KeyboardInterrupt:
        _stop("stopped; everything that was started has been ended", 128 + signal.SIGINT)
    except asyncio.CancelledError:
        _stop("stopped; everything that was started has been ended", 128 + signal.SIGTERM)


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"harness: {message}\n")
    raise typer.Exit(code)


if __name__ == "__main__":
    main()
