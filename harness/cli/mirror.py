"""`harness mirror`: the blackboards of engines that cannot be touched, in Redis, verified, and back."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli.options import DEFAULT_STORE, Json, Store
from harness.cli.running import print_json, reporting, run_to_end
from harness.report.mirror import print_backfill, print_export, print_follow, print_repair, print_verify
from harness.report.mirror_progress import BackfillProgress, FollowProgress
from harness.state.exit_code import worst_exit_code
from harness.state.follow import FollowSettings
from harness.state.follow_summary import FollowSummary
from harness.state.mirror_redis import EMBEDDED
from harness.state.mirroring import (
    MirrorPlace,
    backfill_projects,
    export_run,
    follow_projects,
    repair_project,
    verify_projects,
)
from harness.state.repair import Side

__all__ = ["mirror"]

mirror = typer.Typer(
    help="Mirror blackboard.json of any engine to Redis, verify, repair and export it. "
    "Exit codes: 0 done or equal, 1 drift, 2 bad input, 3 not possible or nothing can be said.",
    no_args_is_help=True,
)

_As = Annotated[
    str | None, typer.Option("--as", help="Name of the mirror in Redis (default: folder and a digest of it).")
]
_Dirs = Annotated[
    list[Path], typer.Argument(help="Folders with a blackboard.json, or the files.", metavar="DIR...")
]
_Dir = Annotated[Path, typer.Argument(help="Folder with a blackboard.json, or the file.", metavar="DIR")]
_KeepDays = Annotated[
    float | None,
    typer.Option(min=0.001, help="Days that a mirror stays after its last write.", show_default="for ever"),
]
_Redis = Annotated[str, typer.Option(help="embedded, or redis://host:port/db.")]


@mirror.command(name="follow")
def _follow(
    dirs: _Dirs,
    name: _As = None,
    until_finished: Annotated[
        bool,
        typer.Option("--until-finished", help="End when project_info.status says that nothing is built."),
    ] = False,
    for_s: Annotated[float | None, typer.Option("--for", min=0, help="End after so many seconds.")] = None,
    keep_days: _KeepDays = None,
    redis: _Redis = EMBEDDED,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Mirror every state of each project as it is written, until Ctrl-C or SIGTERM; then sum up."""
    place = MirrorPlace(redis, store, keep_days)
    settings = FollowSettings(for_s=for_s, until_finished=until_finished)
    with reporting():
        summaries = run_to_end(_following(place, dirs, name, settings))
    if as_json:
        print_json([asdict(summary) for summary in summaries])
    else:
        print_follow(Console(highlight=False), summaries)
    raise typer.Exit(worst_exit_code(summaries))


@mirror.command(name="backfill")
def _backfill(
    dirs: Annotated[
        list[Path], typer.Argument(help="Projects, or folders of them such as output/.", metavar="DIR...")
    ],
    name: _As = None,
    keep_days: _KeepDays = None,
    redis: _Redis = EMBEDDED,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Mirror finished projects in bulk; what is mirrored already is skipped, one that is broken is named."""
    place = MirrorPlace(redis, store, keep_days)
    with reporting(), BackfillProgress(Console(stderr=True)) as progress:
        found = run_to_end(backfill_projects(place, dirs, name, progress))
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        print_backfill(Console(highlight=False), found, progress.took_s)
    raise typer.Exit(worst_exit_code(found))


@mirror.command(name="verify")
def _verify(
    dirs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Projects, or folders of them.", metavar="[DIR...]", show_default="all that are mirrored"
        ),
    ] = None,
    name: _As = None,
    redis: _Redis = EMBEDDED,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Compare blackboards with their mirrors, field by field and by digest; name every drift."""
    with reporting():
        found = run_to_end(verify_projects(MirrorPlace(redis, store), dirs or (), name))
    if as_json:
        print_json([each.as_json() for each in found])
    else:
        print_verify(Console(highlight=False), found)
    raise typer.Exit(worst_exit_code(found))


@mirror.command(name="repair")
def _repair(
    path: _Dir,
    source: Annotated[Side, typer.Option("--from", help="The side that is right; the other is made equal.")],
    name: _As = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, do nothing.")] = False,
    redis: _Redis = EMBEDDED,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Mend a drift. What is overwritten is kept in the store, in the folder replaced/."""
    place = MirrorPlace(redis, store)
    with reporting():
        repaired = run_to_end(repair_project(place, path, name, source, dry_run=dry_run))
    if as_json:
        print_json(repaired.as_json())
    else:
        print_repair(Console(highlight=False), repaired)
    raise typer.Exit(repaired.exit_code)


@mirror.command(name="export")
def _export(
    what: Annotated[
        str, typer.Argument(help="A project's folder, or the id of any run in Redis.", metavar="NAME|DIR")
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="Where to write it.", show_default="the project's blackboard.json, or one here"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that differs; what it was is kept in the store.")
    ] = False,
    name: _As = None,
    redis: _Redis = EMBEDDED,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Write a document from Redis as blackboard.json, as the legacy engine writes it."""
    with reporting():
        exported = run_to_end(export_run(MirrorPlace(redis, store), what, name, output, force=force))
    if as_json:
        print_json(asdict(exported))
    else:
        print_export(Console(highlight=False), exported)


async def _following(
    place: MirrorPlace, dirs: Sequence[Path], name: str | None, settings: FollowSettings
) -> list[FollowSummary]:
    """Follow until the first Ctrl-C or SIGTERM, which asks for an end; the second one is not waited for."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    this = asyncio.current_task()

    def ask_for_end() -> None:
        if stop.is_set() and this is not None:
            this.cancel()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask_for_end)
    with FollowProgress(Console(stderr=True)) as progress:
        return await follow_projects(place, dirs, name, settings, stop, progress)
