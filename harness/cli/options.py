"""Options that several commands have, with one wording each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.gateway.settings import SimulateSettings

__all__ = [
    "DEFAULT_STORE",
    "DEFAULT_TOKENS_PER_S",
    "DEFAULT_TTFT_S",
    "Faults",
    "Json",
    "Slots",
    "Store",
    "TimeScale",
    "TokensPerSecond",
    "Ttft",
]

DEFAULT_STORE = Path(".harness")
DEFAULT_TTFT_S = SimulateSettings().ttft_s
DEFAULT_TOKENS_PER_S = SimulateSettings().tokens_per_s

Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault", help="What is to go wrong, such as 'role=developer,times=1:500'; may be repeated."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Slots = Annotated[int, typer.Option(min=1, help="Calls the model answers at once.")]
Store = Annotated[Path, typer.Option(help="Folder in which runs are kept.")]
TimeScale = Annotated[
    float, typer.Option(min=0, help="Replay: what the recorded times are multiplied with; 0 is at once.")
]
TokensPerSecond = Annotated[float, typer.Option(min=0.1, help="Simulated model: speed of one call.")]
Ttft = Annotated[float, typer.Option(min=0, help="Simulated model: seconds to the first token.")]
