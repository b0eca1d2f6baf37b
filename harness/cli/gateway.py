"""`harness gateway`: the gateway alone, for any client of Ollama."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import (
    DEFAULT_TOKENS_PER_S,
    DEFAULT_TTFT_S,
    Faults,
    Jitter,
    JitterSeed,
    Slots,
    TimeScale,
    TokensPerSecond,
    Ttft,
)
from harness.cli.running import reporting, run_to_end
from harness.gateway.settings import SimulateSettings
from harness.report.gateway_calls import GatewayCalls
from harness.serve import serve_model

__all__ = ["gateway"]


def gateway(
    listen: Annotated[str, typer.Option(help="HOST:PORT to listen on; port 0 takes a free one.")] = (
        "127.0.0.1:11435"
    ),
    upstream: Annotated[
        str,
        typer.Option(help="What answers: the URL of an Ollama, or what compare --model takes."),
    ] = "auto",
    fault: Faults = None,
    slots: Slots = 4,
    cassette: Annotated[str, typer.Option(help="Record and replay: the name of the cassette.")] = "gateway",
    time_scale: TimeScale = 1.0,
    ttft: Ttft = DEFAULT_TTFT_S,
    tokens_per_second: TokensPerSecond = DEFAULT_TOKENS_PER_S,
    jitter: Jitter = 0.0,
    jitter_seed: JitterSeed = None,
    upstream_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that an Ollama behind it may be silent.")
    ] = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print every call as a line of JSON.")] = False,
) -> None:
    """Run the gateway alone: point OLLAMA_HOST of any client at it. Ends with Ctrl-C or SIGTERM."""
    with reporting():
        run_to_end(
            serve_model(
                upstream,
                listen,
                slots=slots,
                cassette=cassette,
                faults=fault or (),
                simulated=SimulateSettings(
                    ttft_s=ttft, tokens_per_s=tokens_per_second, jitter=jitter, jitter_seed=jitter_seed
                ),
                time_scale=time_scale,
                upstream_timeout_s=upstream_timeout,
                watcher=GatewayCalls(as_json=as_json),
            )
        )
