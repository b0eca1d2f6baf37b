"""`harness build`: build what a spec asks for with the engine that the flags choose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.builds import BuildSettings, Built
from harness.builds import build as build_spec
from harness.cli.options import (
    DEFAULT_STORE,
    DEFAULT_TOKENS_PER_S,
    DEFAULT_TTFT_S,
    FlagFile,
    GatewayAddress,
    Json,
    Queue,
    Slots,
    Store,
    Templates,
    TokensPerSecond,
    Ttft,
    WorkersWait,
)
from harness.cli.running import STOPPED_RUN, print_json, reporting, run_to_end
from harness.flags import Installation
from harness.gateway.defaults import LOOPBACK, QUEUE, WORKERS_WAIT_S
from harness.gateway.settings import SimulateSettings
from harness.record import OutcomeStatus
from harness.record.workers_choice import WorkersChoice
from harness.report.built import print_built
from harness.report.progress import TrialProgress
from harness.session import SessionSettings
from harness.spec import find_spec

__all__ = ["build"]


def build(
    spec: Annotated[Path, typer.Argument(help="File with one spec.", metavar="SPEC")],
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for what is built, which must not be there yet.", show_default="its name"),
    ] = None,
    flags: FlagFile = Path("flags.json"),
    fallback: Annotated[
        bool,
        typer.Option("--fallback", help="Where async fails, legacy does it over with the same answers."),
    ] = False,
    sample: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="From the canary on: the share of builds that the other engine does over, to be compared.",
        ),
    ] = 0.1,
    workers: Annotated[
        bool, typer.Option("--workers", help="Where async builds, workers do the tasks (harness worker).")
    ] = False,
    model: Annotated[
        str,
        typer.Option(
            help="auto (Ollama where one answers, else simulated), simulated, ollama[:URL] or local."
        ),
    ] = "auto",
    slots: Slots = 4,
    redis: Annotated[str, typer.Option(help="embedded, or redis://host:port/db.")] = "embedded",
    ttft: Ttft = DEFAULT_TTFT_S,
    tokens_per_second: TokensPerSecond = DEFAULT_TOKENS_PER_S,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that the build may take.")] = 3600.0,
    templates: Templates = None,
    queue: Queue = QUEUE,
    workers_wait: WorkersWait = WORKERS_WAIT_S,
    gateway_address: GatewayAddress = LOOPBACK,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Build SPEC with the engine that the flags choose, and deliver its files.

    Exit codes: 0 built, 2 bad input, 3 the build failed.
    """
    with reporting():
        found = find_spec(spec)
        settings = BuildSettings(
            session=SessionSettings(
                model=model,
                slots=slots,
                redis=redis,
                simulated=SimulateSettings(ttft_s=ttft, tokens_per_s=tokens_per_second),
                deadline_s=timeout,
                templates=templates,
                workers=WorkersChoice(
                    queue=queue, wait_s=workers_wait or None, gateway_address=gateway_address
                ),
                store=store,
            ),
            installation=Installation(flags),
            output=output or Path(found.name),
            fallback=fallback,
            by_workers=workers,
            sample=sample,
        )

        async def built() -> Built:
            with TrialProgress(Console(stderr=True)) as progress:
                return await build_spec(found, settings, progress)

        result = run_to_end(built(), stopped=STOPPED_RUN)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_built(Console(highlight=False), result)
    raise typer.Exit(0 if result.outcome.status is OutcomeStatus.FINISHED else 3)
