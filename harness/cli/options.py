"""Options that several commands have, with one wording each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.gateway.defaults import TOKENS_PER_S, TTFT_S

__all__ = [
    "DEFAULT_STORE",
    "DEFAULT_TOKENS_PER_S",
    "DEFAULT_TTFT_S",
    "ConfigFile",
    "Faults",
    "FlagFile",
    "GatewayAddress",
    "Jitter",
    "JitterSeed",
    "Json",
    "Queue",
    "Slots",
    "Store",
    "Templates",
    "TimeScale",
    "TokensPerSecond",
    "Ttft",
    "WorkersRedis",
    "WorkersWait",
]

DEFAULT_STORE = Path(".harness")
DEFAULT_TTFT_S = TTFT_S
DEFAULT_TOKENS_PER_S = TOKENS_PER_S

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
GatewayAddress = Annotated[
    str,
    typer.Option(
        metavar="HOST[:PORT]",
        help="Workers: the address of this machine at which those on others reach the build's gateway.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Queue = Annotated[str, typer.Option(metavar="NAME", help="Workers: the queue that they serve.")]
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
WorkersRedis = Annotated[
    str,
    typer.Option(
        metavar="URL",
        envvar="HARNESS_REDIS",
        help="The Redis with the builds, such as redis://localhost:6379/0.",
    ),
]
WorkersWait = Annotated[
    float,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help="Workers: how long a build waits where none has its code, before it fails; 0 waits for ever.",
    ),
]
