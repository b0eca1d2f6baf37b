"""Which run is watched."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import BadInputError
from harness.record import RunStore
from harness.resume import find_run
from harness.watch.run_end import is_worked_on

__all__ = ["RunChoice", "choose_run"]


@dataclass(frozen=True, slots=True)
class RunChoice:
    """The run to watch, and the others that are under way, the newest first."""

    run: str
    others: tuple[str, ...] = ()


def choose_run(store: RunStore, wanted: str | None = None) -> RunChoice:
    """The run whose id begins with `wanted`; else the newest under way; else the last that went or ended.

    Raises `BadInputError` where there is none.
    """
    if wanted is not None:
        return RunChoice(find_run(store, wanted))
    touched = {run: at for run in store.begun_ids() if (at := _last_touched(store, run))}
    if not touched:
        raise BadInputError(f"{store.root}: no run was begun here; `harness compare SPEC` begins two")
    newest_first = sorted(touched, key=lambda run: touched[run], reverse=True)
    under_way = [run for run in newest_first if not _has_ended(store, run) and is_worked_on(store, run)]
    if under_way:
        return RunChoice(under_way[0], tuple(under_way[1:]))
    return RunChoice(newest_first[0])


def _has_ended(store: RunStore, run: str) -> bool:
    return (store.folder(run) / "record.json").exists()


def _last_touched(store: RunStore, run: str) -> float:
    """When the run ended or, before it has, was begun or taken up; 0 where nothing says what it is."""
    begun, ended = (store.folder(run) / name for name in ("run.json", "record.json"))
    try:
        return (ended if ended.exists() else begun).stat().st_mtime if begun.exists() else 0.0
    except OSError:
        return 0.0
