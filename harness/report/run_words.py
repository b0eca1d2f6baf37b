"""What is said of a run that is watched: in what it is made, how long it should take, how it ended."""

from __future__ import annotations

import shlex
from pathlib import Path

from harness.compare.outcome import describe_outcome
from harness.record import RunManifest
from harness.report.durations import duration
from harness.watch import Expectation, RunEnd

__all__ = ["describe_end", "describe_expectation", "surroundings"]

_USUAL_STORE = Path(".harness")


def surroundings(manifest: RunManifest, sitting: int = 1) -> list[str]:
    """In what a run is made, in a few words each."""
    model, sitting = manifest.model, max(sitting, len(manifest.sittings))
    slots = manifest.settings.slots
    return [
        manifest.engine,
        f"{model.kind} model {model.name}",
        f"{slots} slot{'s' if slots > 1 else ''}",
        *([f"Redis: {manifest.state.server}"] if manifest.state else []),
        *([f"sitting {sitting}"] if sitting > 1 else []),
    ]


def describe_expectation(expected: Expectation) -> str:
    """How long it should take, and by what."""
    by = "1 earlier run" if expected.runs == 1 else f"median of {expected.runs} earlier runs"
    return f"{duration(expected.wall_s)} expected ({by})"


def describe_end(end: RunEnd) -> str:
    """How a run ended, and what can be done about it, in a sentence."""
    elsewhere = "" if end.store == _USUAL_STORE.absolute() else f" --store {shlex.quote(str(end.store))}"
    go_on = f"go on with it: harness resume {end.manifest.id}{elsewhere}"
    if end.summary is not None:
        ended = f"{describe_outcome(end.summary.outcome)} in {duration(end.summary.wall_s)}"
        return f"{ended}; {go_on}" if end.resumable else ended
    owner = end.manifest.owner
    gone = f"cut off: process {owner.pid} on {owner.host}, which worked on it, is gone"
    return f"{gone}; {go_on if end.resumable else f'it cannot be resumed: {end.manifest.not_resumable}'}"
