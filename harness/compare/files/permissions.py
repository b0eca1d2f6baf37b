"""Who may read and execute the generated files: what a server that runs as somebody else depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.record import FileFacts

__all__ = ["compare_permissions"]


def compare_permissions(ours: Mapping[str, FileFacts], theirs: Mapping[str, FileFacts]) -> Iterator[Mismatch]:
    """One mismatch for all files of both that may not be read, written or executed by the same."""
    changed = [
        (path, before, after)
        for path in sorted(ours.keys() & theirs.keys())
        if (before := ours[path].mode) is not None
        and (after := theirs[path].mode) is not None
        and before != after
    ]
    if changed:
        path, before, after = changed[0]
        more = f", and {len(changed) - 1} more have others too" if len(changed) > 1 else ""
        yield Mismatch(
            layer=Layer.FILES,
            kind=Kind.CHANGED,
            path=path,
            sentence=f"{path} has the permissions {after:03o} instead of {before:03o}{more}",
            control=f"{before:03o}",
            candidate=f"{after:03o}",
        )
