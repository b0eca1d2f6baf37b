"""The last words of an engine: the last line it printed, which often says why it ended."""

from __future__ import annotations

from pathlib import Path

__all__ = ["last_words"]

_TAIL_BYTES = 4096


def last_words(log: Path) -> str:
    """The last line in `log` that says something, to go behind a sentence; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {words}" if words else ""
