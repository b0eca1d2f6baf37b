"""How a run ended that was watched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.record import OutcomeStatus, RunManifest, RunStore, RunSummary
from harness.record.run_lock import is_locked

__all__ = ["RunEnd", "end_of", "is_worked_on"]


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The end of a run; `summary` is None where whoever worked on it went away without one."""

    manifest: RunManifest
    summary: RunSummary | None
    store: Path
    """The folder of the store that keeps it."""

    @property
    def finished(self) -> bool:
        """Whether it ended well."""
        return self.summary is not None and self.summary.outcome.status is OutcomeStatus.FINISHED

    @property
    def resumable(self) -> bool:
        """Whether it can be gone on with."""
        if self.summary is None:
            return self.manifest.not_resumable is None
        return self.summary.resumable


def end_of(store: RunStore, run: str) -> RunEnd | None:
    """How the run ended; None while it is worked on. Raises `BadInputError` where it cannot be read."""
    # Looked at in this order: whoever ends a run writes the summary first, then lets go of it.
    worked_on = is_worked_on(store, run)
    summary = store.summary(run)
    if summary is None and worked_on:
        return None
    return RunEnd(store.manifest(run), summary, store.root)


def is_worked_on(store: RunStore, run: str) -> bool:
    """Whether a process works on the run."""
    try:
        return is_locked(store.folder(run))
    except OSError:
        return False
