"""`harness compare`: run control and candidate on the same specs and compare what they did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from harness.behaviour import ExecuteSettings
from harness.cli.options import (
    DEFAULT_STORE,
    DEFAULT_TOKENS_PER_S,
    DEFAULT_TTFT_S,
    ConfigFile,
    Faults,
    Jitter,
    JitterSeed,
    Json,
    Slots,
    Store,
    Templates,
    TimeScale,
    TokensPerSecond,
    Ttft,
)
from harness.cli.running import STOPPED_RUN, print_json, reporting, run_to_end
from harness.compare import Comparison
from harness.compare.all_specs import judge_all_specs
from harness.compare.terms import Policy, Terms
from harness.compare.verdict import exit_code, worst
from harness.errors import HarnessError
from harness.gateway.settings import SimulateSettings
from harness.project_file import read_project_file, requirement
from harness.record import RunStore
from harness.report.otlp import Endpoint, export_compared
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
            "real model, with the extra local-model), record:FOLDER[@URL] or replay:FOLDER. Several hosts "
            "as URL#SLOTS,URL#SLOTS."
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
    aa: Annotated[
        bool | None,
        typer.Option(
            "--aa/--no-aa",
            help="Run control against itself too, as many pairs, and call noise what differs there as often. "
            "Default where the model's answers vary (ollama, local).",
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        Literal["auto", "exact", "contract"] | None,
        typer.Option(
            help="What counts: every mismatch (exact), or what breaks something and, where the model's "
            "answers vary, how often runs turn out well (contract). auto: exact where they do not vary.",
            show_default="auto, or as in harness.toml",
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            max=0.999,
            help="By what share of all runs the candidate's may turn out well more seldom (contract).",
            show_default="0.1, or as in harness.toml",
        ),
    ] = None,
    execute: Annotated[
        bool,
        typer.Option(
            "--execute",
            help="Start what was generated in a sandbox, ask its routes, run its tests, and compare.",
        ),
    ] = False,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REQUIREMENT",
            help="A package that what is executed may have, such as flask; may be repeated, and harness.toml "
            "can name some.",
        ),
    ] = None,
    environment: Annotated[
        Path | None,
        typer.Option(help="Execute with this environment, which is there already, and all that is in it."),
    ] = None,
    config: ConfigFile = None,
    slots: Slots = 4,
    redis: Annotated[str, typer.Option(help="embedded, or redis://host:port/db.")] = "embedded",
    ttft: Ttft = DEFAULT_TTFT_S,
    tokens_per_second: TokensPerSecond = DEFAULT_TOKENS_PER_S,
    jitter: Jitter = 0.0,
    jitter_seed: JitterSeed = None,
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
    otlp: Annotated[
        str | None, typer.Option(metavar="URL", help="OpenTelemetry collector to send the runs to as spans.")
    ] = None,
    templates: Templates = None,
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
        simulated=SimulateSettings(
            ttft_s=ttft, tokens_per_s=tokens_per_second, jitter=jitter, jitter_seed=jitter_seed
        ),
        call_timeout_s=call_timeout,
        deadline_s=timeout,
        templates=templates,
        store=store,
    )
    files = ReportFiles(markdown, junit, html)
    with reporting():
        files.check()
        project = read_project_file(config)
        chosen = policy or project.compare.policy
        terms = Terms(margin=margin or project.compare.margin, rules=project.rules)
        allowed = (*project.execute.allow, *(requirement(text) for text in allow or ()))
        execution = ExecuteSettings(allowed, environment, store) if execute else None
        collector = None if otlp is None else Endpoint.parse(otlp)
        comparisons = run_to_end(
            _compare(
                find_specs(specs),
                control,
                candidate,
                settings,
                as_json=as_json,
                terms=terms,
                policy=None if chosen == "auto" else Policy(chosen),
                repeat=repeat,
                aa=aa,
                execution=execution,
            ),
            stopped=STOPPED_RUN,
        )
        if as_json:
            # Before the files: what cannot be written must not take the result with it.
            print_json([comparison.model_dump(mode="json") for comparison in comparisons])
        for path in files.write(comparisons):
            typer.echo(f"written: {path}", err=True)
    if collector is not None:
        _send(comparisons, RunStore(store), collector)
    raise typer.Exit(exit_code(worst(comparison.verdict.status for comparison in comparisons)))


def _send(comparisons: Sequence[Comparison], store: RunStore, collector: Endpoint) -> None:
    try:
        sent = export_compared(comparisons, store, collector)
        typer.echo(f"sent: {sent} spans to {collector.shown}", err=True)
    except HarnessError as error:
        # The verdict stands, and so does its exit code: the runs are stored, and can be sent another time.
        typer.echo(f"harness: {error}; harness trace RUN --otlp URL sends it again", err=True)


async def _compare(
    specs: list[Spec],
    control: str,
    candidate: str,
    settings: SessionSettings,
    *,
    as_json: bool,
    terms: Terms,
    policy: Policy | None,
    repeat: int,
    aa: bool | None,
    execution: ExecuteSettings | None,
) -> Sequence[Comparison]:
    found = []
    out = Console(quiet=as_json, highlight=False)
    with TrialProgress(Console(stderr=True)) as progress:
        async for comparison in run_trial(
            specs,
            control,
            candidate,
            settings,
            progress,
            terms,
            policy=policy,
            repeat=repeat,
            aa=aa,
            execute=execution,
        ):
            print_comparison(out, comparison)
            found.append(comparison)
    comparisons = judge_all_specs(found, margin=terms.margin, repeat=repeat)
    if len(comparisons) > 1:
        print_summary(out, comparisons)
    return comparisons
