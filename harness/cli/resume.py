"""`harness resume`: finish a run that was cut off."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import DEFAULT_STORE, Json, Store
from harness.cli.running import STOPPED_RUN, print_json, reporting, run_to_end
from harness.record import OutcomeStatus, RunStore
from harness.report.progress import TrialProgress
from harness.report.resumed import print_resumed
from harness.resume import ResumedRun, resume_run

__all__ = ["resume"]


def resume(
    run: Annotated[
        str | None,
        typer.Argument(
            help="Its id, or the beginning of it; not needed where one run only can be resumed.",
            metavar="[RUN]",
            show_default=False,
        ),
    ] = None,
    redis: Annotated[
        str | None,
        typer.Option(help="Where its state is: needed where the URL has a password, which is not kept."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Another model than it was begun with, as for compare --model.")
    ] = None,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Finish a run that was cut off; what it had finished is neither done nor paid for again.

    Exit codes: 0 it is finished, 2 it cannot be resumed, 3 it failed or another process works on it.
    """
    with reporting():
        resumed = run_to_end(_resume(RunStore(store), run, redis, model), stopped=STOPPED_RUN)
    if as_json:
        summary = resumed.summary.model_dump(mode="json")
        print_json(
            {"resumed": resumed.resumed, "folder": str(resumed.folder), "notes": resumed.notes} | summary
        )
    else:
        print_resumed(Console(highlight=False), resumed)
    raise typer.Exit(0 if resumed.summary.outcome.status is OutcomeStatus.FINISHED else 3)


async def _resume(store: RunStore, run: str | None, redis: str | None, model: str | None) -> ResumedRun:
    with TrialProgress(Console(stderr=True)) as progress:
        return await resume_run(store, run, progress, redis=redis, model=model)
