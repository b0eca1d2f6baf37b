"""Which modules were generated at the same time, and for how long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from harness.compare.intervals import Interval, common, length, merged
from harness.record import RunRecord

__all__ = ["Overlap", "Overlaps", "generating", "overlap", "overlaps"]

# A thousand modules have half a million pairs: nobody reads them, and the report has to hold them.
_MOST_PAIRS = 500


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class Overlap(_Facts):
    """How long two modules were generated at the same time in one run, in seconds."""

    first: str
    second: str
    together_s: float
    first_s: float
    """How long calls for the first were generating."""
    second_s: float
    first_from_s: float | None
    """When its first call began to generate, since the run's begin; None where it had none."""
    second_from_s: float | None


class Overlaps(_Facts):
    """The pairs of modules that were generated at the same time in one run, the longest together first."""

    pairs: tuple[Overlap, ...]
    more: int = 0
    """How many pairs, each at once for no longer than the last of `pairs`, are left out."""
    modules: int = 0
    """How many modules had calls that generated: the others of their pairs were never at once."""


def overlap(record: RunRecord, first: str, second: str) -> Overlap:
    """How long calls for both modules were generating at the same time."""
    one, other = merged(generating(record, first)), merged(generating(record, second))
    return _overlap(first, one, second, other, length(common(one, other)))


def overlaps(record: RunRecord) -> Overlaps:
    """How long each pair of modules was generated at the same time."""
    spans: defaultdict[str, list[Interval]] = defaultdict(list)
    for call in record.calls:
        if call.module is not None and call.granted_s is not None:
            spans[call.module].append((call.granted_s, call.end_s))
    joined = {module: merged(spans[module]) for module in sorted(spans)}
    together = _together(joined)
    longest = sorted(together, key=lambda pair: (-together[pair], pair))
    return Overlaps(
        pairs=tuple(
            _overlap(first, joined[first], second, joined[second], together[first, second])
            for first, second in longest[:_MOST_PAIRS]
        ),
        more=max(0, len(longest) - _MOST_PAIRS),
        modules=len(joined),
    )


def generating(record: RunRecord, module: str | None = None) -> Iterable[Interval]:
    """When each call was generating, of all modules or of one."""
    for call in record.calls:
        if call.granted_s is not None and (module is None or call.module == module):
            yield call.granted_s, call.end_s


def _together(joined: Mapping[str, list[Interval]]) -> dict[tuple[str, str], float]:
    """The seconds of each pair that has any: each interval meets only those that go on when it begins."""
    together: defaultdict[tuple[str, str], float] = defaultdict(float)
    under_way: dict[str, float] = {}
    begun = sorted((start, module, end) for module, spans in joined.items() for start, end in spans)
    for start, module, end in begun:
        under_way = {other: until for other, until in under_way.items() if until > start}
        for other, until in under_way.items():
            if (seconds := min(until, end) - start) > 0:
                together[min(module, other), max(module, other)] += seconds
        under_way[module] = end
    return together


def _overlap(
    first: str, one: list[Interval], second: str, other: list[Interval], together_s: float
) -> Overlap:
    return Overlap(
        first=first,
        second=second,
        together_s=together_s,
        first_s=length(one),
        second_s=length(other),
        first_from_s=one[0][0] if one else None,
        second_from_s=other[0][0] if other else None,
    )
