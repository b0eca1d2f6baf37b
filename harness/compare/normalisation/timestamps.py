"""The times of a run itself, and what is put in their place.

What stands there tells how the time was written, so that another way to write it is a mismatch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from harness.compare.normalisation.pattern import replaced_in
from harness.compare.normalisation.rule import TimestampRule
from harness.compare.normalisation.run_span import RunSpan

__all__ = ["OwnTimes"]

# How a time of ISO 8601 looks without its digits, and how long it can be.
_SHAPE = re.compile("####-##-##[T ]##:##:##([.,]#{1,9})?(Z|[+-]##:?##)?")
_LONGEST = 36
_DIGITS = str.maketrans("0123456789", "#" * 10)


@dataclass(frozen=True, slots=True)
class OwnTimes:
    """The times of one run, as far as a rule hides them; none where its span is unknown."""

    rule: TimestampRule
    span: RunSpan | None

    def out_of(self, text: str) -> tuple[str, int]:
        """`text` without them, and how many there were."""
        return (text, 0) if self.span is None else replaced_in(text, self.rule.pattern, self._word)

    def _word(self, text: str) -> str | None:
        """What stands for `text`, if it is a time of the run."""
        how = self.rule.format or _shape(text)
        moment = self._moment(text) if how else None
        if moment is None or self.span is None:
            return None
        if moment.tzinfo is not None:
            return f"<time of its run: {how}>" if self._holds(self.span, moment) else None
        # By which clock it was read is not said: the local one, or the world's.
        if self._holds(self.span, moment.replace(tzinfo=self.span.zone)):
            return f"<time of its run: {how}>"
        in_utc = self._holds(self.span, moment.replace(tzinfo=UTC))
        return f"<time of its run, in UTC: {how}>" if in_utc else None

    def _moment(self, text: str) -> datetime | None:
        try:
            if self.rule.format is not None:
                return datetime.strptime(text, self.rule.format)
            return datetime.fromisoformat(text)
        except ValueError:
            return None

    def _holds(self, span: RunSpan, moment: datetime) -> bool:
        return span.holds(
            moment,
            before_s=self.rule.slack_before_s,
            after_s=self.rule.slack_after_s,
            grain_s=self.rule.grain_s,
        )


def _shape(text: str) -> str | None:
    """How `text` is written, if it may be a time of ISO 8601."""
    shape = text.translate(_DIGITS) if len(text) <= _LONGEST else ""
    return shape if _is_iso(shape) else None


@lru_cache(maxsize=128)
def _is_iso(shape: str) -> bool:
    return _SHAPE.fullmatch(shape) is not None
