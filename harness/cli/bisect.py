"""`harness bisect`: find the flag at which candidate and control begin to differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.bisect import Bisection
from harness.bisect import bisect as walk_steps
from harness.cli.options import (
    DEFAULT_STORE,
    DEFAULT_TOKENS_PER_S,
    DEFAULT_TTFT_S,
    Json,
    Slots,
    Store,
    Templates,
    TokensPerSecond,
    Ttft,
)
from harness.cli.running import STOPPED_RUN, print_json, reporting, run_to_end
from harness.compare.verdict import exit_code, worst
from harness.gateway.settings import SimulateSettings
from harness.report.bisection import print_bisection
from harness.report.progress import TrialProgress
from harness.session import SessionSettings
from harness.spec import Spec, find_specs

__all__ = ["bisect"]


def bisect(
    specs: Annotated[list[Path], typer.Argument(help="Spec files, or folders of them.", metavar="SPEC...")],
    candidate: Annotated[str, typer.Option(help="Engine that is judged.")] = "async",
    model: Annotated[
        str, typer.Option(help="As for compare; take one that answers alike: simulated or replay:FOLDER.")
    ] = "simulated",
    slots: Slots = 4,
    redis: Annotated[str, typer.Option(help="embedded, or redis://host:port/db.")] = "embedded",
    ttft: Ttft = DEFAULT_TTFT_S,
    tokens_per_second: TokensPerSecond = DEFAULT_TOKENS_PER_S,
    templates: Templates = None,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Go from legacy to the candidate one flag at a time, and name the flag where a mismatch first appears.

    Exit codes: 0 no mismatch, 1 found, 2 bad input, 3 a run failed or is inconclusive.
    """
    settings = SessionSettings(
        model=model,
        slots=slots,
        redis=redis,
        simulated=SimulateSettings(ttft_s=ttft, tokens_per_s=tokens_per_second),
        templates=templates,
        store=store,
    )
    with reporting():
        found = run_to_end(_bisect(find_specs(specs), candidate, settings, as_json), stopped=STOPPED_RUN)
    if as_json:
        print_json([bisection.model_dump(mode="json") for bisection in found])
    raise typer.Exit(exit_code(worst(bisection.status for bisection in found)))


async def _bisect(
    specs: list[Spec], candidate: str, settings: SessionSettings, as_json: bool
) -> list[Bisection]:
    out = Console(quiet=as_json, highlight=False)
    found = []
    with TrialProgress(Console(stderr=True)) as progress:
        for spec in specs:
            found.append(await walk_steps(spec, candidate, settings, progress))
            print_bisection(out, found[-1])
    return found
