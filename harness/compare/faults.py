"""What an engine made of the calls that went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.compare.chain import lane_label, lane_name
from harness.gateway.calls import CallRecord
from harness.record import RunRecord

__all__ = ["reactions"]


def reactions(record: RunRecord, side: str) -> Iterator[str]:
    """A sentence for each lane with a call that went wrong: how, and whether it was made again."""
    lanes: dict[tuple[str, str], list[CallRecord]] = {}
    for call in record.calls:
        lanes.setdefault((lane_label(call), call.request_hash), []).append(call)
    attempts = {(call.role, call.module, call.attempt) for call in record.calls}
    for calls in lanes.values():
        wrong = [call for call in calls if call.error is not None or call.fault is not None]
        if wrong and not all(call.not_recorded for call in wrong):
            last = calls[-1]
            anew = (last.role, last.module, last.attempt + 1) in attempts
            yield f"{side}: the {lane_name(last)}: {_listed(wrong)}; {_ending(calls, anew=anew)}"


def _listed(wrong: list[CallRecord]) -> str:
    counts = Counter(call.fault or f"status {call.status}, {call.error}" for call in wrong)
    return ", ".join(f"{what}{f' ({count} times)' if count > 1 else ''}" for what, count in counts.items())


def _ending(calls: list[CallRecord], *, anew: bool) -> str:
    """What became of the calls of one lane; `anew` says that the lane had one more attempt."""
    answered = calls[-1].error is None
    if answered and anew and not calls[-1].response.strip():
        return "the answer was not taken, and another asked for"
    if len(calls) == 1:
        return "answered all the same" if answered else "not asked again"
    times = "once" if len(calls) == 2 else f"{len(calls) - 1} times"
    return f"asked again {times}, and {'answered' if answered else 'never answered whole'}"
