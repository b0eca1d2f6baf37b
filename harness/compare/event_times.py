"""The times that a run wrote down, held against each other and against what the gateway saw.

No duration is judged: only what cannot be with a clock that goes forward, and more of it than a clock that is
set back in the middle of a run makes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from agents.build import EventKind
from async_arch.composition import StateStoreKind
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.record import RunRecord

__all__ = ["compare_attempt_times", "compare_event_times"]

_ENDS = frozenset({EventKind.TASK_COMPLETED, EventKind.TASK_FAILED})
# A clock that is set back once puts one event before the one that came earlier.
_MOST_STEPS_BACK = 2
_LEAST_SPAN_S = 0.1
_LEAST_COARSE_SPAN_S = 20.0
_SECOND = timedelta(seconds=1)
_STANDS_STILL = 0.1
_MOVES = 0.5


def compare_event_times(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """Tasks whose events are dated after the answers that they brought, or before; and events told late."""
    if control.summary.sittings > 1 or candidate.summary.sittings > 1:
        return
    wrong = _at_wrong_times(candidate)
    # A clock that is set back does so to every task that is under way.
    if len(wrong) > candidate.summary.slots and not _at_wrong_times(control):
        more = f", and so do {len(wrong) - 1} more"
        yield _mismatch(Layer.EVENTS, "times", f"{wrong[0]}{more}")
    elif not wrong and _in_order_of_time(candidate):
        late = _told_late(candidate)
        if len(late) > _MOST_STEPS_BACK and not _told_late(control):
            more = f", and so did {len(late) - 1} more"
            yield _mismatch(Layer.EVENTS, "order", f"{late[0]}{more}")


def compare_attempt_times(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """Times of attempts that stand still while the answers came one after the other."""
    if control.summary.sittings > 1 or candidate.summary.sittings > 1:
        return
    before, after = _spans_s(control), _spans_s(candidate)
    if before is None or after is None:
        return
    (told_s, seen_s), (told_too_s, seen_too_s) = before, after
    if told_s >= _MOVES * seen_s and told_too_s < _STANDS_STILL * seen_too_s:
        sentence = (
            f"agent_attempts[timestamp]: the attempts are dated within {told_too_s:.3f} s, and the gateway "
            f"saw their answers within {seen_too_s:.3f} s"
        )
        yield _mismatch(Layer.BLACKBOARD, "agent_attempts[timestamp]", sentence)


def _at_wrong_times(record: RunRecord) -> list[str]:
    """Each task that is said to have begun after its first answer, or to have ended before it."""
    answered: dict[str, datetime] = {}
    attempts = list(_attempts(record))
    events = [(event, at) for event in record.events if (at := _moment(event.at)) is not None]
    # Cut off or rounded, the times of the one and of the other may be a second apart.
    coarse = _to_the_second(at for _, at in attempts) or _to_the_second(at for _, at in events)
    apart = _SECOND if coarse else timedelta()
    for attempt, dated in attempts:
        role, module = attempt.get("agent"), attempt.get("module")
        task = f"{role}:{module}" if module else str(role)
        first = answered.setdefault(task, dated)
        if (dated.tzinfo is None) == (first.tzinfo is None):
            answered[task] = min(dated, first)
    found: dict[str, str] = {}
    for event, at in events:
        answer = answered.get(event.task)
        if answer is None or (at.tzinfo is None) != (answer.tzinfo is None):
            continue
        if event.kind is EventKind.TASK_STARTED and at > answer + apart:
            found[event.task] = f"{event.kind} {event.task} is dated after its first answer"
        elif event.kind in _ENDS and at < answer - apart:
            found[event.task] = f"{event.kind} {event.task} is dated before its first answer"
    return list(found.values())


def _in_order_of_time(record: RunRecord) -> bool:
    """Whether events are told in the order of their dates: one process, one queue, no file between."""
    flags = record.summary.composition
    return flags.get("state_store") == StateStoreKind.REDIS and "executor" not in flags


def _told_late(record: RunRecord) -> list[str]:
    """The events that came after one that is dated later."""
    moments = [(event, _moment(event.at)) for event in record.events]
    late = []
    for (before, earlier), (event, at) in pairwise(moments):
        if earlier is None or at is None or (at.tzinfo is None) != (earlier.tzinfo is None):
            continue
        if at < earlier:
            late.append(
                f"{event.kind} {event.task} came after {before.kind} {before.task}, which is dated later"
            )
    return late


def _spans_s(record: RunRecord) -> tuple[float, float] | None:
    """Within how long the attempts are dated, and their answers came; None where that says nothing."""
    moments = [at for _, at in _attempts(record)]
    ends_s = [call.end_s for call in record.calls]
    if len(moments) < 2 or len({at.tzinfo is None for at in moments}) > 1:
        return None
    seen_s = max(ends_s, default=0.0) - min(ends_s, default=0.0)
    if seen_s < (_LEAST_COARSE_SPAN_S if _to_the_second(moments) else _LEAST_SPAN_S):
        return None
    return (max(moments) - min(moments)).total_seconds(), seen_s


def _attempts(record: RunRecord) -> Iterator[tuple[dict[str, object], datetime]]:
    listed = (record.blackboard or {}).get("agent_attempts")
    for attempt in listed if isinstance(listed, list) else ():
        at = _moment(attempt.get("timestamp")) if isinstance(attempt, dict) else None
        if at is not None:
            yield attempt, at


def _to_the_second(moments: Iterable[datetime]) -> bool:
    """Whether times are told no finer; those of many events or attempts are never so by chance."""
    return not any(at.microsecond for at in moments)


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _mismatch(layer: Layer, path: str, sentence: str) -> Mismatch:
    return Mismatch(layer=layer, kind=Kind.CHANGED, path=path, sentence=sentence)
