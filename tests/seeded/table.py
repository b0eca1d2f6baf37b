"""The table of all seeded faults, as docs/seeded-faults.md has it."""

from __future__ import annotations

from tests.seeded.catalogue import FAULTS

__all__ = ["table"]


def table() -> str:
    """A row of Markdown for each fault."""
    rows = [
        f"| {fault.name} | {fault.layer} | {fault.blame} | {fault.missed or 'yes'} |"
        for fault in FAULTS.values()
    ]
    return "\n".join(["| fault | layer | blame | caught |", "| --- | --- | --- | --- |", *rows]) + "\n"
