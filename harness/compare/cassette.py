"""What a replay tells of its cassette: requests that it does not hold, and answers that were used up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from harness.compare.chain import lane_label, lane_name
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.words import word_diff
from harness.gateway.calls import CallRecord
from harness.gateway.canonical import CanonicalRequest
from harness.record import RunRecord

__all__ = ["prompt_drift", "used_up"]


def prompt_drift(control: RunRecord, candidate: RunRecord, told: Collection[str]) -> Iterator[Mismatch]:
    """The requests that the cassette does not hold; `told` are the lanes whose drift is known already."""
    asked_by: dict[tuple[str, str], list[tuple[str, CallRecord]]] = {}
    for side, record in (("the control", control), ("the candidate", candidate)):
        for call in record.calls:
            if call.not_recorded and lane_label(call) not in told:
                asked_by.setdefault((lane_label(call), call.request_hash), []).append((side, call))
    for (label, _), asked in asked_by.items():
        who = "both engines" if len({side for side, _ in asked}) > 1 else asked[0][0]
        yield _drift(label, who, asked[0][1])


def used_up(record: RunRecord, side: str) -> Iterator[str]:
    """A sentence for each lane that asked more often than was recorded."""
    counts = Counter(lane_label(call) for call in record.calls if call.repeated_answer)
    names = {lane_label(call): lane_name(call) for call in record.calls if call.repeated_answer}
    for label, count in counts.items():
        times = "once" if count == 1 else f"{count} times"
        yield (
            f"the {side} asked the {names[label]} more often than was recorded: "
            f"the last answer was given again {times}"
        )


def _drift(label: str, who: str, call: CallRecord) -> Mismatch:
    asked = f"{who} asked the {lane_name(call)} what the cassette does not hold"
    nearest = call.nearest_request
    if nearest is None:
        return _mismatch(label, f"{asked}, and nothing like it", None)
    words = word_diff(_said(nearest), _said(call.request))
    if not words:
        return _mismatch(
            label, f"{asked}; line {call.cassette_line} has the same words, other settings", None
        )
    return _mismatch(label, f"{asked}; the nearest is on line {call.cassette_line}", words)


def _mismatch(label: str, sentence: str, words: str | None) -> Mismatch:
    return Mismatch(
        layer=Layer.CONVERSATION, kind=Kind.PROMPT_DRIFT, path=label, sentence=sentence, words=words
    )


def _said(request: CanonicalRequest) -> str:
    return "\n".join(message.content for message in request.messages)
