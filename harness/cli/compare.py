"""`harness compare`: run control and candidate on the same specs and compare what they did."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli.deferred_command import loading
from harness.cli.options import (
    DEFAULT_STORE,
    DEFAULT_TOKENS_PER_S,
    DEFAULT_TTFT_S,
    ConfigFile,
    Faults,
    GatewayAddress,
    Jitter,
    JitterSeed,
    Json,
    Queue,
    Slots,
    Store,
    Templates,
    TimeScale,
    TokensPerSecond,
    Ttft,
    WorkersWait,
)
from harness.cli.running import STOPPED_RUN, reporting, run_to_end
from harness.engines.ahead import started_ahead
from harness.gateway.defaults import LOOPBACK, QUEUE, WORKERS_WAIT_S

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
    queue: Queue = QUEUE,
    workers_wait: WorkersWait = WORKERS_WAIT_S,
    gateway_address: GatewayAddress = LOOPBACK,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Run control and candidate on every SPEC and compare what they did.

    Exit codes: 0 equal, 1 mismatch, 2 bad input, 3 a run failed or is inconclusive.
    """

    async def compared() -> Callable[[], int]:
        async with started_ahead(control) as ahead:
            with loading():
                from harness.cli.comparing import Outlets, compare_specs
                from harness.compare.terms import Policy, Terms
                from harness.gateway.settings import SimulateSettings
                from harness.project_file import read_project_file, requirement
                from harness.record.workers_choice import WorkersChoice
                from harness.session import SessionSettings
                from harness.spec import find_specs

            outlets = Outlets.checked(markdown, junit, html, otlp, specs=specs, store=store, as_json=as_json)
            project = read_project_file(config)
            chosen = policy or project.compare.policy
            allowed = (*project.execute.allow, *(requirement(text) for text in allow or ()))
            execution = None
            if execute:
                from harness.behaviour import ExecuteSettings

                execution = ExecuteSettings(allowed, environment, store)
            comparisons = await compare_specs(
                find_specs(specs),
                control,
                candidate,
                SessionSettings(
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
                    workers=WorkersChoice(
                        queue=queue, wait_s=workers_wait or None, gateway_address=gateway_address
                    ),
                    store=store,
                ),
                quiet=as_json,
                terms=Terms(margin=margin or project.compare.margin, rules=project.rules),
                policy=None if chosen == "auto" else Policy(chosen),
                repeat=repeat,
                aa=aa,
                execution=execution,
                ahead=ahead,
            )
        return partial(outlets.give, comparisons)

    with reporting():
        give = run_to_end(compared(), stopped=STOPPED_RUN)
        code = give()
    raise typer.Exit(code)
