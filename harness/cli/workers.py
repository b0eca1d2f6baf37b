"""`harness workers`: which workers there are, and what they do."""

from __future__ import annotations

import typer
from rich.console import Console

from async_arch.redis_client import redacted
from harness.cli.options import Json, WorkersRedis
from harness.cli.running import print_json, reporting, run_to_end
from harness.report.fleet import print_fleet
from harness.workers.fleet import look_at_workers

__all__ = ["workers"]


def workers(redis: WorkersRedis, as_json: Json = False) -> None:
    """Show the workers that live, what each does and has done, and how their queues stand.

    Exit codes: 0 shown, 2 bad input, 3 Redis is not there.
    """
    with reporting():
        fleet = run_to_end(look_at_workers(redis))
    if as_json:
        print_json(fleet.model_dump(mode="json"))
    else:
        print_fleet(Console(highlight=False), fleet, redacted(redis))
    raise typer.Exit
