"""`harness compare`: run control and candidate on the same specs and compare what they did."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import (
    DEFAULT_STORE,
    DEFAULT_TOKENS_PER_S,
    DEFAULT_TTFT_S,
    Faults,
    Json,
    Slots,
    Store,
    TimeScale,
    TokensPerSecond,
    Ttft,
)
from harness.cli.running import STOPPED_RUN, print_json, reporting, run_to_end
from harness.compare import Comparison
from harness.compare.verdict import exit_code, worst
from harness.gateway.settings import SimulateSettings
from harness.report.progress import TrialProgress
from harness.report.report_files import ReportFiles
from harness.report.terminal import print_comparison, print_summary
from harness.session import SessionSettings
from harness.spec import Spec, find_specs
from harness.trial import run_trial

__all__ = ["compare"]


def compare(
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
    time_scale: TimeScale = 1.0,
    fault: Faults = None,
    repeat: Annotated[
        int,
        typer.Option(
            min=1,
            help="How many pairs of runs, in turns (A B B A); above 1 after one more for warm-up, and the "
            "speed-up gets a confidence interval.",
        ),
    ] = 1,
    slots: Slots = 4,
    redis: Annotated[str, typer.Option(help="embedded, or redis://host:port/db.")] = "embedded",
    ttft: Ttft = DEFAULT_TTFT_S,
    tokens_per_second: TokensPerSecond = DEFAULT_TOKENS_PER_S,
    call_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that one call to the model may take, queueing included.")
    ] = 600.0,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one run may take.")] = 3600.0,
    html: Annotated[
        Path | None, typer.Option(help="File for the result as one HTML page that needs no network.")
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="File for the result as Markdown, as for a pull request.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="File for the result as JUnit XML.")] = None,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
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
    files = ReportFiles(markdown, junit, html)
    with reporting():
        files.check()
        comparisons = run_to_end(
            _compare(find_specs(specs), control, candidate, settings, repeat, as_json), stopped=STOPPED_RUN
        )
        if as_json:
            # Before the files: what cannot be written must not take the result with it.
            print_json([comparison.model_dump(mode="json") for comparison in comparisons])
        for path in files.write(comparisons):
            typer.echo(f"written: {path}", err=True)
    raise typer.Exit(exit_code(worst(comparison.verdict.status for comparison in comparisons)))


async def _compare(
    specs: list[Spec], control: str, candidate: str, settings: SessionSettings, repeat: int, as_json: bool
) -> list[Comparison]:
    comparisons = []
    out = Console(quiet=as_json, highlight=False)
    with TrialProgress(Console(stderr=True)) as progress:
        async for comparison in run_trial(specs, control, candidate, settings, progress, repeat=repeat):
            print_comparison(out, comparison)
            comparisons.append(comparison)
    if len(comparisons) > 1:
        print_summary(out, comparisons)
    return comparisons
