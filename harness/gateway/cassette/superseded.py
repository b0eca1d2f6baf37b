"""Superseded entries: answers recorded for a task that was cut off, and begun anew in a later sitting.

The run went on from the later answer. A replay gives the answers to one request in the order in which they
stand, so the earlier one would lead it where the recorded run never was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from harness.gateway.cassette.cassette_file import read_cassette, replace_entries
from harness.gateway.cassette.entry import Entry

__all__ = ["drop_superseded"]


def drop_superseded(path: Path, run: str, began: Sequence[str]) -> int:
    """Drop what sittings of `run`, which began at these moments, recorded and a later one recorded anew.

    The cassette as it was is kept beside it. Returns how many entries went. Raises `CassetteError`.
    """
    if not path.exists():
        return 0
    cassette = read_cassette(path)
    begins = [datetime.fromisoformat(moment) for moment in began]
    # A request says whose it is, and a task that ended asks for nothing again.
    last: dict[str, int] = {}
    for _, entry in cassette.entries:
        if entry.run == run:
            last[entry.key] = max(last.get(entry.key, 0), _sitting(entry, begins))
    kept = [
        entry
        for _, entry in cassette.entries
        if entry.run != run or _sitting(entry, begins) == last[entry.key]
    ]
    if len(kept) < len(cassette.entries):
        replace_entries(cassette, kept)
    return len(cassette.entries) - len(kept)


def _sitting(entry: Entry, begins: Sequence[datetime]) -> int:
    """In which sitting an entry was recorded."""
    recorded_at = datetime.fromisoformat(entry.recorded_at)
    return sum(begin <= recorded_at for begin in begins)
