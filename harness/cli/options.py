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
    "ConfigFile",
    "Faults",
    "FlagFile",
    "Jitter",
    "JitterSeed",
    "Json",
    "Slots",
    "Store",
    "Templates",
    "TimeScale",
    "TokensPerSecond",
    "Ttft",
]

DEFAULT_STORE = Path(".harness")
DEFAULT_TTFT_S = SimulateSettings().ttft_s
DEFAULT_TOKENS_PER_S = SimulateSettings().tokens_per_s

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="The project's settings.", show_default="harness.toml, if there is one"),
]
Faults = Annotated[
    list[str] | None,
    typer.Option(
        "--fault", help="What is to go wrong, such as 'role=developer,times=1:500'; may be repeated."
    ),
]
Jitter = Annotated[
    float,
    typer.Option(
        min=0, max=1, help="Simulated model: by which share a call may be faster or slower; 0.5 is by half."
    ),
]
JitterSeed = Annotated[
    int | None,
    typer.Option(help="Simulated model: the same jitter for the same request in every run; else new ones."),
]
FlagFile = Annotated[Path, typer.Option("--flags", help="The flags of the migration, in flagd's format.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Slots = Annotated[int, typer.Option(min=1, help="Calls the model answers at once; each of several hosts.")]
Store = Annotated[Path, typer.Option(help="Folder in which runs are kept.")]
Templates = Annotated[
    Path | None,
    typer.Option(
        help="Folder with templates that take the place of ours of those names, for generation=hybrid.",
        show_default="ours",
    ),
]
TimeScale = Annotated[
    float, typer.Option(min=0, help="Replay: what the recorded times are multiplied with; 0 is at once.")
]
TokensPerSecond = Annotated[float, typer.Option(min=0.1, help="Simulated model: speed of one call.")]
Ttft = Annotated[float, typer.Option(min=0, help="Simulated model: seconds to the first token.")]
