"""`harness worker`: do the tasks of builds that were handed to workers."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer

from harness.cli.options import Queue, Slots, Templates, WorkersRedis
from harness.cli.running import reporting
from harness.gateway.defaults import QUEUE
from harness.workers.serving import ServeSettings, serve_worker

__all__ = ["worker"]


def worker(
    redis: WorkersRedis,
    queue: Queue = QUEUE,
    concurrency: Annotated[int, typer.Option(min=1, help="Tasks that it does at once.")] = 4,
    takeover: Annotated[
        float,
        typer.Option(
            min=0.5,
            metavar="SECONDS",
            help="Who is silent for so long loses its tasks to other workers; the same for all of a queue.",
        ),
    ] = 5.0,
    model: Annotated[
        str | None,
        typer.Option(
            help="Its own model, for builds with --model workers: ollama:URL (several as "
            "URL#SLOTS,URL#SLOTS), simulated or local.",
            show_default="each build's, through its gateway",
        ),
    ] = None,
    slots: Slots = 4,
    templates: Templates = None,
    name: Annotated[
        str | None, typer.Option(help="What it is called.", show_default="its machine and process")
    ] = None,
) -> None:
    """Do tasks of builds that were handed to workers, until SIGTERM or Ctrl-C, and then end those under way.

    A second signal gives them up, and other workers take them over. Exit codes: 0 stopped, 2 bad input,
    3 Redis is not there, 128 + signal where tasks were given up.
    """
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    logging.getLogger("docket").setLevel(logging.WARNING)
    settings = ServeSettings(
        redis, queue, concurrency, takeover, templates=templates, model=model, slots=slots, name=name
    )
    with reporting():
        code = asyncio.run(serve_worker(settings, lambda served: typer.echo(served, err=True)))
    raise typer.Exit(code)
