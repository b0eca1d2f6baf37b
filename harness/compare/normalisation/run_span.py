"""The span of a run: when its times may lie."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from math import inf

from harness.record import RunRecord

__all__ = ["RunSpan"]


@dataclass(frozen=True, slots=True)
class RunSpan:
    """From a run's begin to its end, in seconds since the epoch, and the zone of its machine."""

    began_s: float
    ended_s: float
    """Infinite where nobody knows: of a run that was resumed only the begin is."""
    zone: tzinfo

    @classmethod
    def of(cls, record: RunRecord) -> RunSpan | None:
        """The span of the run; None where its record does not tell when it began."""
        about = record.summary
        try:
            began = datetime.fromisoformat(about.began_at)
            if began.tzinfo is None:
                began = began.astimezone()
            began_s = began.timestamp()
        except (ValueError, OverflowError, OSError):
            return None
        ended_s = began_s + about.startup_s + about.wall_s if about.sittings == 1 else inf
        return cls(began_s, ended_s, began.tzinfo or UTC)

    def holds(
        self, moment: datetime, *, before_s: float = 0.0, after_s: float = 0.0, grain_s: float = 0.0
    ) -> bool:
        """Whether `moment`, which has a zone, lies within, or so many seconds before or after.

        With a `grain_s` it stands for all of so many seconds that begin with it.
        """
        moment_s = moment.timestamp()
        return moment_s + grain_s > self.began_s - before_s and moment_s <= self.ended_s + after_s
