"""The watermark of the mirrors: how many of the states that were written have been read back from Redis.

The read side moves when all have, and not after a time: a wait says nothing of what was written last.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from async_arch.composition import StateStoreKind
from harness.errors import BadInputError
from harness.flags import Step
from harness.gates import CriterionLine, CriterionStatus
from harness.record import RunManifest, RunStore
from harness.record.run_lock import is_locked

__all__ = ["read_side_watermark"]


def read_side_watermark(
    root: Path, step: Step, since: int, sources: Mapping[str, str]
) -> CriterionLine | None:
    """How far the mirrors have followed, where `step` moves the reading to Redis; else None.

    Counted are runs in the store at `root` that were made by code of these `sources`, and of builds those
    that were pinned to the flags `since` the move of that number.
    """
    if (step.before.state_store, step.after.state_store) != (StateStoreKind.MIRROR, StateStoreKind.REDIS):
        return None
    store = RunStore(root)
    saves = verified = runs = 0
    behind: list[str] = []
    under_way: list[str] = []
    for run in store.begun_ids():
        try:
            manifest, summary = store.manifest(run), store.summary(run)
        except BadInputError:
            continue
        mirrors = manifest.composition.get("state_store") == StateStoreKind.MIRROR
        if not mirrors or not _counts(manifest, since, sources):
            continue
        if summary is None:
            if is_locked(store.folder(run)):
                under_way.append(run)
            continue
        if summary.mirror is not None:
            runs += 1
            saves += summary.mirror.saves
            verified += summary.mirror.verified
            if not summary.mirror.caught_up:
                behind.append(run)
    counted = f"{verified} of {saves} states in {runs} {'run' if runs == 1 else 'runs'}"
    status = CriterionStatus.FAILED if behind else CriterionStatus.PASSED
    if not behind and not runs:
        status = CriterionStatus.INCONCLUSIVE
    # They are pinned to the mirror, which leads them to their end whatever is moved.
    waiting = f"; {len(under_way)} under way end as they began" if under_way else ""
    return CriterionLine(
        name="watermark",
        status=status,
        value=f"{counted}{waiting}",
        limit="all, to the last one written",
        test="read back from Redis",
        evidence=tuple(behind),
    )


def _counts(manifest: RunManifest, since: int, sources: Mapping[str, str]) -> bool:
    """Whether a run says something of this code, and of the flags as they stand."""
    if manifest.fingerprint is None or manifest.fingerprint.sources != sources:
        return False
    return manifest.flags is None or manifest.flags.number >= since
