"""Durations in a form that is short at any length."""

from __future__ import annotations

__all__ = ["duration"]


def duration(seconds: float) -> str:
    """`seconds` in seconds up to some minutes, then in minutes, then in hours; never more than 7 letters."""
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
