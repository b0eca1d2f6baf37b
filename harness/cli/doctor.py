"""`harness doctor`: what a comparison would find here, and what concurrency would gain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import (
    DEFAULT_STORE,
    DEFAULT_TOKENS_PER_S,
    DEFAULT_TTFT_S,
    Json,
    Store,
    TokensPerSecond,
    Ttft,
)
from harness.cli.running import print_json, reporting, run_to_end
from harness.doctor import DoctorSettings, examine, exit_code_of
from harness.gateway.settings import SimulateSettings
from harness.report.doctor import print_diagnosis
from harness.spec import find_spec

__all__ = ["doctor"]


def doctor(
    spec: Annotated[
        Path | None, typer.Argument(help="File with one spec, to predict its builds.", metavar="[SPEC]")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="auto (Ollama where one answers, else simulated), simulated, ollama[:URL] or local."
        ),
    ] = "auto",
    slots: Annotated[
        int,
        typer.Option(
            min=1, help="Calls at once that a comparison would make; so many slots has a model of ours."
        ),
    ] = 4,
    most: Annotated[int, typer.Option(min=1, max=256, help="Most calls at once that are tried.")] = 16,
    limit: Annotated[float, typer.Option(min=0.1, help="Seconds that measuring a server may take.")] = 60.0,
    redis: Annotated[str, typer.Option(help="embedded, or redis://host:port/db.")] = "embedded",
    ttft: Ttft = DEFAULT_TTFT_S,
    tokens_per_second: TokensPerSecond = DEFAULT_TOKENS_PER_S,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Look at what a comparison needs, measure what the model does in parallel, and predict the speed-up.

    Exit codes: 0 fine, with warnings or without, 1 a problem, 2 bad input, 3 it could not be measured.
    """
    settings = DoctorSettings(
        model=model,
        slots=slots,
        most=most,
        limit_s=limit,
        redis=redis,
        simulated=SimulateSettings(ttft_s=ttft, tokens_per_s=tokens_per_second),
        store=store,
    )
    with reporting():
        found = find_spec(spec) if spec else None
        diagnosis = run_to_end(examine(found, settings, lambda line: typer.echo(line, err=True)))
    if as_json:
        print_json(diagnosis.model_dump(mode="json"))
    else:
        print_diagnosis(Console(highlight=False), diagnosis)
    raise typer.Exit(exit_code_of(diagnosis))
