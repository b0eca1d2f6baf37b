"""A comparison that did not pass, in as many lines as a failed test needs."""

from __future__ import annotations

from collections.abc import Iterator

from harness.compare import Comparison
from harness.compare.text import visible

__all__ = ["failure_text"]

_MOST_SHOWN = 20


def failure_text(comparison: Comparison) -> str:
    """Verdict, reasons, mismatches, and where the runs are."""
    return "\n".join(map(visible, _lines(comparison)))


def _lines(comparison: Comparison) -> Iterator[str]:
    verdict, found = comparison.verdict, comparison.mismatches
    # All that pytest's summary shows.
    yield f"{verdict.status.value} {comparison.spec}: {verdict.reasons[0]}"
    yield from (f"  {reason}" for reason in verdict.reasons[1:])
    if found:
        yield f"{len(found)} mismatch{'es' if len(found) > 1 else ''}:"
    for mismatch in found[:_MOST_SHOWN]:
        follows = ", can follow from another" if mismatch.follows else ""
        yield f"  {mismatch.layer.value} ({mismatch.severity.value}{follows}): {mismatch.sentence}"
    if len(found) > _MOST_SHOWN:
        yield f"  and {len(found) - _MOST_SHOWN} more"
    for side, facts in (("control", comparison.control), ("candidate", comparison.candidate)):
        yield f"{side}: {facts.engine}, {facts.folder}"
