"""How long a run is expected to take, going by earlier ones like it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from harness.errors import BadInputError
from harness.record import OutcomeStatus, RunManifest, RunStore

__all__ = ["Expectation", "expectation"]

_MOST_RUNS = 9


@dataclass(frozen=True, slots=True)
class Expectation:
    """The median of the wall-clock of so many earlier runs."""

    wall_s: float
    runs: int


def expectation(store: RunStore, manifest: RunManifest) -> Expectation | None:
    """What the newest runs like this one took; None where there is none that finished in one sitting."""
    took = []
    # Ids begin with the time and name the spec.
    for run in reversed([run for run in store.run_ids() if f"-{manifest.spec.name}-" in run]):
        if run != manifest.id and (wall_s := _wall_s(store, run, manifest)) is not None:
            took.append(wall_s)
        if len(took) == _MOST_RUNS:
            break
    return Expectation(median(took), len(took)) if took else None


def _wall_s(store: RunStore, run: str, manifest: RunManifest) -> float | None:
    try:
        other, summary = store.manifest(run), store.summary(run)
    except BadInputError:
        # Of an earlier version, or gone in this moment.
        return None
    if summary is None or summary.outcome.status is not OutcomeStatus.FINISHED or summary.sittings > 1:
        return None
    return summary.wall_s if _pace(other) == _pace(manifest) else None


def _pace(manifest: RunManifest) -> tuple[object, ...]:
    """What decides how long a run takes."""
    settings, model = manifest.settings, manifest.model
    return (
        manifest.spec,
        manifest.engine,
        manifest.composition,
        settings.slots,
        settings.faults,
        settings.simulated if model.kind == "simulated" else None,
        settings.time_scale if model.kind == "replay" else None,
        model.kind,
        model.name,
    )
