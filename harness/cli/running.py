"""How a command runs: to its end or until it is stopped, with one line for what goes wrong."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import typer

from harness.errors import BadInputError, HarnessError

__all__ = ["STOPPED_RUN", "print_json", "reporting", "run_to_end"]

_STOPPED = "stopped; everything that was started has been ended"
STOPPED_RUN = f"{_STOPPED}; where the state of the run is in Redis, harness resume finishes it"
"""What is said where a run was stopped."""

T = TypeVar("T")


@contextmanager
def reporting() -> Iterator[None]:
    """Turn an error of the harness into one line and its exit code."""
    try:
        yield
    except HarnessError as error:
        _stop(str(error), 2 if isinstance(error, BadInputError) else 3)


def run_to_end(work: Coroutine[Any, Any, T], *, stopped: str = _STOPPED) -> T:
    """Run `work` to its end; Ctrl-C and SIGTERM cancel it, and it cleans up before the process ends.

    `stopped` is what is said then.
    """

    async def cancellable() -> T:
        this = asyncio.current_task()
        if this is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        return await work

    try:
        return asyncio.run(cancellable())
    except KeyboardInterrupt:
        _stop(stopped, 128 + signal.SIGINT)
    except asyncio.CancelledError:
        _stop(stopped, 128 + signal.SIGTERM)


def print_json(result: object) -> None:
    """Print `result` as JSON."""
    typer.echo(json.dumps(result, indent=2))


def _stop(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"harness: {message}\n")
    raise typer.Exit(code)
