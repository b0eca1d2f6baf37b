"""`harness phase`: carry the migration out, one gated step after another, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from harness.cli.options import DEFAULT_STORE, ConfigFile, FlagFile, Json, Store
from harness.cli.running import print_json, reporting, run_to_end
from harness.compare import Status
from harness.errors import BadInputError
from harness.evidence import EvidenceKind
from harness.flags import AuditEntry, Installation
from harness.flags.audit import AuditLog, AuditProblem
from harness.phases import (
    Migration,
    RolledBack,
    adopt,
    approve,
    attest,
    finalize,
    kill,
    plan,
    promote,
    roll_back,
    status,
    with_state_brought_back,
)
from harness.phases.watching import watch_phases
from harness.project_file import ProjectFile, read_project_file
from harness.report.phase_status import print_promotion, print_status
from harness.report.phases import (
    print_attested,
    print_entry,
    print_history,
    print_plan,
    print_rolled_back,
    print_state_brought_back,
    print_watch_event,
)
from harness.report.progress import TrialProgress

__all__ = ["phase"]

phase = typer.Typer(
    help="Carry the migration out, step by step. Exit codes: 0 done, 1 the gate is shut, 2 bad input, "
    "3 not possible here, or somebody else has just moved the flags.",
    no_args_is_help=True,
)

_FLAGS = Path("flags.json")
_Number = Annotated[int | None, typer.Argument(help="Number of the phase, 1 to 4.", metavar="[PHASE]")]
_Reason = Annotated[str, typer.Option(help="Why; it stands in the log for ever.")]


@phase.command(name="status")
def _status(
    flags: FlagFile = _FLAGS, config: ConfigFile = None, store: Store = DEFAULT_STORE, as_json: Json = False
) -> None:
    """Show how the migration stands, and what the next step waits for."""
    with reporting():
        found = status(_migration(flags, read_project_file(config), store))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        print_status(_console(), found)


@phase.command(name="promote")
def _promote(
    number: _Number = None,
    to: Annotated[
        str | None, typer.Option(help="The step, where there is a choice: canary:25, or any larger share.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take the step though its gate is shut; needs a reason.")
    ] = False,
    reason: _Reason = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge the gate, move nothing.")] = False,
    flags: FlagFile = _FLAGS,
    config: ConfigFile = None,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Take the next step, if its gate is open."""
    with reporting():
        migration = _migration(flags, read_project_file(config), store)
        done = promote(migration, number, to, force=force, reason=reason, dry_run=dry_run)
    if as_json:
        print_json(done.model_dump(mode="json"))
    else:
        print_promotion(_console(), done)
    raise typer.Exit(0 if done.entry or (dry_run and done.gate.open) else 1)


@phase.command(name="rollback")
def _rollback(
    number: _Number = None,
    everything: Annotated[bool, typer.Option("--all", help="All the way back to legacy.")] = False,
    reason: _Reason = "",
    flags: FlagFile = _FLAGS,
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Go one step back, or to before PHASE and all later ones; always allowed, and waits for nothing."""
    with reporting():
        if everything and number is not None:
            raise BadInputError("say a phase, or --all, not both")
        migration = _migration(flags, None, store)
        back = roll_back(migration, number, everything=everything, reason=reason)
    _show_back(migration, back, as_json)


@phase.command(name="kill")
def _kill(
    reason: _Reason = "", flags: FlagFile = _FLAGS, store: Store = DEFAULT_STORE, as_json: Json = False
) -> None:
    """Put everything on legacy at once, for the next build of every process."""
    with reporting():
        migration = _migration(flags, None, store)
        back = kill(migration, reason)
    _show_back(migration, back, as_json)


@phase.command(name="approve")
def _approve(
    reason: _Reason = "", flags: FlagFile = _FLAGS, store: Store = DEFAULT_STORE, as_json: Json = False
) -> None:
    """Approve the next step, where its gate asks for a person."""
    with reporting():
        entry = approve(_migration(flags, None, store), reason)
    _show_entry(entry, as_json)


@phase.command(name="attest")
def _attest(
    suite: Annotated[
        Literal["seeded", "load-test"],
        typer.Argument(help="Which suite was run.", metavar="seeded|load-test"),
    ],
    junit: Annotated[Path, typer.Option(help="What pytest --junit-xml wrote of it.")],
    store: Store = DEFAULT_STORE,
    as_json: Json = False,
) -> None:
    """Keep the result of a suite as evidence, for gates that ask for it; exit code 1 where it failed."""
    kind = EvidenceKind.SUITE if suite == "seeded" else EvidenceKind.LOAD_TEST
    with reporting():
        evidence = attest(store, kind, junit)
    if as_json:
        print_json(evidence.model_dump(mode="json"))
    else:
        print_attested(_console(), evidence)
    raise typer.Exit(0 if evidence.status is Status.PASS else 1)


@phase.command(name="adopt")
def _adopt(
    reason: _Reason = "", flags: FlagFile = _FLAGS, store: Store = DEFAULT_STORE, as_json: Json = False
) -> None:
    """Take over what was written into the flag file by hand."""
    with reporting():
        entry = adopt(_migration(flags, None, store), reason)
    _show_entry(entry, as_json)


@phase.command(name="finalize")
def _finalize(
    reason: _Reason = "", flags: FlagFile = _FLAGS, store: Store = DEFAULT_STORE, as_json: Json = False
) -> None:
    """Give up the way back to JSON, for ever; only when all is on async."""
    with reporting():
        entry = finalize(_migration(flags, None, store), reason)
    _show_entry(entry, as_json)


@phase.command(name="plan")
def _plan(flags: FlagFile = _FLAGS, store: Store = DEFAULT_STORE, as_json: Json = False) -> None:
    """Show the nine steps of the migration, each with its command and how it stands."""
    with reporting():
        lines = plan(_migration(flags, None, store))
    if as_json:
        print_json([line.model_dump(mode="json") for line in lines])
    else:
        print_plan(_console(), lines)


@phase.command(name="history")
def _history(
    verify: Annotated[
        bool, typer.Option("--verify", help="Say that every entry is sealed with the one before.")
    ] = False,
    flags: FlagFile = _FLAGS,
    as_json: Json = False,
) -> None:
    """Show every move of the flags; exit code 1 where the log is not as it was written."""
    with reporting():
        log: AuditLog = Installation(flags).log
        try:
            entries = log.entries()
        except AuditProblem as problem:
            typer.echo(f"harness: {problem}", err=True)
            raise typer.Exit(1) from problem
    if as_json:
        print_json([{**entry.model_dump(mode="json"), "seal": entry.seal} for entry in entries])
    else:
        print_history(_console(), entries, verified=verify)


@phase.command(name="watch")
def _watch(
    once: Annotated[bool, typer.Option("--once", help="End when nothing waits to be compared.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    redis: Annotated[str, typer.Option(help="embedded, or redis://host:port/db.")] = "embedded",
    flags: FlagFile = _FLAGS,
    config: ConfigFile = None,
    store: Store = DEFAULT_STORE,
) -> None:
    """Compare what waits, and take a step back by itself when its budget is spent; until Ctrl-C."""

    async def watch() -> None:
        project = read_project_file(config)
        migration = _migration(flags, project, store)
        console = _console()
        with TrialProgress(Console(stderr=True)) as progress:
            async for event in watch_phases(
                migration, project.watch, progress, redis=redis, once=once, interval_s=interval
            ):
                print_watch_event(console, event)

    with reporting():
        run_to_end(watch())


def _migration(flags: Path, project: ProjectFile | None, store: Path) -> Migration:
    """Without `project` where no gate is judged: a way back does not wait for a settings file to be right."""
    if project is None:
        return Migration(Installation(flags), store)
    return Migration(Installation(flags), store, project.criteria, project.migration.specs)


def _show_back(migration: Migration, back: RolledBack, as_json: bool) -> None:
    if not as_json:
        print_rolled_back(_console(), back)
    with reporting():
        back = run_to_end(with_state_brought_back(migration, back))
    if as_json:
        print_json(back.model_dump(mode="json"))
    else:
        print_state_brought_back(_console(), back)


def _show_entry(entry: AuditEntry, as_json: bool) -> None:
    if as_json:
        print_json(entry.model_dump(mode="json"))
    else:
        print_entry(_console(), entry)


def _console() -> Console:
    return Console(highlight=False)
