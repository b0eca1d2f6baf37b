"""The mirrors of two runs: whether what the engines saved is in Redis too.

JSON leads, so what a run left is right whatever its mirror did, and can be compared. That Redis held the same
is what phase 1 is about, and is evidence of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from async_arch.composition import StateStoreKind
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.text import one_line
from harness.record import RunRecord

__all__ = ["drift", "not_mirrored"]


def drift(candidate: RunRecord) -> Iterator[Mismatch]:
    """The mismatch where Redis held at the end what the candidate never saved last."""
    mirror = candidate.summary.mirror
    if mirror is not None and mirror.drifted:
        yield Mismatch(
            layer=Layer.BLACKBOARD,
            kind=Kind.CHANGED,
            path="mirror",
            sentence="the mirror drifted: the document in Redis is not the one that the candidate saved last",
        )


def not_mirrored(record: RunRecord, side: str) -> str | None:
    """Why it is not known that Redis held what the run saved last; None where it is, or was not to be."""
    if record.summary.composition.get("state_store") != StateStoreKind.MIRROR:
        return None
    mirror = record.summary.mirror
    if mirror is None:
        return f"nothing is known of the {side}'s mirror in Redis"
    if mirror.caught_up:
        return None
    return f"the {side}'s mirror in Redis did not keep up: {one_line(str(mirror))}"
