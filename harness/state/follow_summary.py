"""The summary of following one project: what was seen, what came of it, and how long that took."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from async_arch.document_mirror import Saved

__all__ = ["FollowSummary", "Tally"]


@dataclass(frozen=True, slots=True)
class FollowSummary:
    """How it went; lags are from the writing of a file until its state was read back from Redis."""

    project: str
    run: str
    seen: int
    """Whole states that were read."""
    mirrored: int
    """Those of them that went to Redis; the others were overtaken."""
    half_written: int
    """Readings that found half a state, which was waited for."""
    lag_median_ms: float | None
    """None where no state was written while it was followed."""
    lag_max_ms: float | None
    writes: int
    size: int
    """Of the writes, in bytes."""
    caught_up: bool
    """Whether the last state is in Redis."""
    drifted: bool
    """Whether it had been written and read back, and another document was found there at the end."""
    problem: str | None
    """Why it is not caught up, or what went wrong on the way."""

    @property
    def exit_code(self) -> int:
        """0 where the last state is in Redis, 1 where another is, 3 where nothing can be said."""
        if self.drifted:
            return 1
        return 0 if self.caught_up else 3


@dataclass(slots=True)
class Tally:
    """The numbers of a summary while they grow."""

    seen: int = 0
    mirrored: int = 0
    writes: int = 0
    size: int = 0
    lags_s: list[float] = field(default_factory=list)

    def count(self, saved: Saved, lag_s: float | None) -> None:
        """Count a state that was mirrored."""
        self.mirrored += 1
        self.writes += saved.writes
        self.size += saved.size
        if lag_s is not None:
            self.lags_s.append(lag_s)

    @property
    def lag_median_ms(self) -> float | None:
        """The median of the lags."""
        return 1000 * median(self.lags_s) if self.lags_s else None

    @property
    def lag_max_ms(self) -> float | None:
        """The longest of the lags."""
        return 1000 * max(self.lags_s) if self.lags_s else None
