"""The command `harness` with all its commands, each of which has a file of its own."""

from __future__ import annotations

import gc
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from harness.cli.deferred_command import announce

__all__ = ["app", "main"]

_COMMANDS = {
    "compare": "Run control and candidate on every SPEC and compare what they did.",
    "build": "Build SPEC with the engine that the flags choose, and deliver its files.",
    "diff": "Compare two stored runs of one spec; nothing is run.",
    "bisect": (
        "Go from legacy to the candidate one flag at a time, and name the flag where a mismatch first "
        "appears."
    ),
    "resume": "Finish a run that was cut off; what it had finished is neither done nor paid for again.",
    "watch": "Show what a run has done and does, until it ends; the run is left alone.",
    "trace": (
        "Write stored runs as one trace, for ui.perfetto.dev or chrome://tracing, or send them as spans."
    ),
    "gateway": ("Run the gateway alone: point OLLAMA_HOST of any client at it. Ends with Ctrl-C or SIGTERM."),
    "worker": (
        "Do tasks of builds that were handed to workers, until SIGTERM or Ctrl-C, and then end those under "
        "way."
    ),
    "workers": "Show the workers that live, what each does and has done, and how their queues stand.",
    "doctor": (
        "Look at what a comparison needs, measure what the model does in parallel, and predict the speed-up."
    ),
    "schema": "Print the JSON Schema of a comparison, of a bisection, or of a run's record.json.",
    "phase": (
        "Carry the migration out, step by step. Exit codes: 0 done, 1 the gate is shut, 2 bad input, "
        "3 not possible here, or somebody else has just moved the flags."
    ),
    "mirror": (
        "Mirror blackboard.json of any engine to Redis, verify, repair and export it. "
        "Exit codes: 0 done or equal, 1 drift, 2 bad input, 3 not possible or nothing can be said."
    ),
    "runs": "List the stored runs, and remove old ones.",
    "cassette": "Look after cassettes: recorded answers of a model.",
    "templates": "Look after the templates of hybrid generation.",
}
"""What `harness --help` says of each command: the first paragraph of its own help, which a test compares."""

app = typer.Typer(
    help="Runs AgentFactory's legacy and async engines on the same specs and compares what they did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _name, _purpose in _COMMANDS.items():
    announce(app, _name, _purpose)


def main() -> None:
    """Run the command line."""
    # Nothing that is loaded is garbage, and looking for some takes a fifth of the time of loading. It goes on
    # when the command is loaded.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a character is no reason to lose the report.
            stream.reconfigure(errors="replace")
    app()


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if show_version:
        from importlib.metadata import version

        typer.echo(version("agentfactory-migration-harness"))
        raise typer.Exit
