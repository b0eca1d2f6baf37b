"""Runs as a trace that Perfetto and chrome://tracing show, in the Trace Event Format (JSON).

Each run is a process. Its slots are threads with the calls in them; its tasks, and calls that wait for a
slot, are asynchronous events; what the engine announced are instants; tokens and calls under way, counters.
All runs stand on one axis, on which each begins at 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from harness.gateway.calls import CallRecord
from harness.record import RunRecord
from harness.report.lanes import bars_in_lanes
from harness.report.task_spans import began, task_spans

__all__ = ["chrome_trace"]

Event = dict[str, object]

# Not 0: viewers take that for the processor's idle task.
_EVENTS_THREAD = 1
_FIRST_SLOT = 2


def chrome_trace(records: Sequence[RunRecord]) -> str:
    """All `records` in one trace. No prompt and no answer is in it."""
    # Viewers take times for unsigned, and a call can come before its run's begin.
    zero_s = min((0.0, *(call.arrival_s for record in records for call in record.calls)))
    named: list[Event] = []
    timed: list[tuple[float, Event]] = []
    for process, record in enumerate(records, start=1):
        named += _names(record, process)
        timed += [(at_s, {**event, "pid": process}) for at_s, event in _events(record)]
    events = [*named, *({**event, "ts": _us(at_s - zero_s)} for at_s, event in sorted(timed, key=_moment))]
    about = {"generator": "agentfactory-migration-harness", "runs": [r.summary.id for r in records]}
    return f"{json.dumps({'traceEvents': events, 'displayTimeUnit': 'ms', 'otherData': about})}\n"


def _moment(timed: tuple[float, Event]) -> float:
    return timed[0]


def _names(record: RunRecord, process: int) -> Iterator[Event]:
    summary = record.summary
    yield _named("process_name", process, f"{summary.engine}: {summary.id}")
    yield {"ph": "M", "name": "process_sort_index", "pid": process, "args": {"sort_index": process}}
    yield _named("thread_name", process, "events", _EVENTS_THREAD)
    lanes = max((bar.lane for bar in bars_in_lanes(record.timeline)), default=-1)
    for lane in range(lanes + 1):
        yield _named("thread_name", process, f"slot {lane + 1}", _FIRST_SLOT + lane)


def _named(what: str, process: int, name: str, thread: int = _EVENTS_THREAD) -> Event:
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": {"name": name}}


def _events(record: RunRecord) -> Iterator[tuple[float, Event]]:
    """Everything with a time in `record`: seconds since the run's begin, and the event without its time."""
    yield from _generating(record)
    for call in record.calls:
        if call.queued_s > 0:
            until_s = call.arrival_s + call.queued_s
            key = f"wait {call.number}"
            yield from _span(_label(call), "waiting for a slot", key, _about(call), call.arrival_s, until_s)
    for place, task in enumerate(task_spans(record)):
        about: Event = {"end": task.end.value, "calls": len(task.calls)}
        yield from _span(task.task, "task", f"task {place}", about, task.start_s, task.end_s)
    yield from _announced(record)
    yield from _counters(record.calls)


def _generating(record: RunRecord) -> Iterator[tuple[float, Event]]:
    granted = sorted(
        (call.granted_s, call.number, call) for call in record.calls if call.granted_s is not None
    )
    for bar, (start_s, _, call) in zip(bars_in_lanes(record.timeline), granted, strict=True):
        yield (
            start_s,
            {
                "ph": "X",
                "name": _label(call),
                "cat": "call" if call.error is None else "call,failed",
                "tid": _FIRST_SLOT + bar.lane,
                # As a difference of rounded moments, so that no call reaches into the next in its lane.
                "dur": _us(call.end_s) - _us(start_s),
                "args": _about(call),
            },
        )


def _span(
    name: str, category: str, key: str, about: Event, start_s: float, end_s: float
) -> Iterator[tuple[float, Event]]:
    both = {"name": name, "cat": category, "id2": {"local": key}, "tid": _EVENTS_THREAD}
    yield start_s, {"ph": "b", **both, "args": about}
    yield end_s, {"ph": "e", **both}


def _announced(record: RunRecord) -> Iterator[tuple[float, Event]]:
    """What the engine said it did; of a run that was resumed nothing, as its clock stood still in between."""
    if record.summary.sittings > 1:
        return
    begin = began(record)
    for event in record.events:
        at_s = (datetime.fromisoformat(event.at) - begin).total_seconds()
        about = {"task": event.task, "detail": event.detail}
        name = f"{event.kind.value} {event.task}".rstrip()
        instant = {"ph": "i", "s": "t", "name": name, "cat": "event", "tid": _EVENTS_THREAD, "args": about}
        yield max(at_s, 0.0), instant


def _counters(calls: Iterable[CallRecord]) -> Iterator[tuple[float, Event]]:
    """How many calls hold a slot, how many wait for one, and the tokens so far, at every change."""
    # Of what happens at one moment, what ends comes first.
    changes: list[tuple[float, int, int, int, int]] = []
    for call in calls:
        asked, said = call.prompt_tokens or 0, call.output_tokens or 0
        if call.granted_s is None:
            changes += [(call.arrival_s, 0, 1, 0, 0), (call.end_s, 0, -1, asked, said)]
        else:
            changes += [
                (call.arrival_s, 0, 1, 0, 0),
                (call.granted_s, 1, -1, 0, 0),
                (call.end_s, -1, 0, asked, said),
            ]
    generating = waiting = tokens_in = tokens_out = 0
    for at_s, more, queue, asked, said in sorted(changes):
        generating, waiting = generating + more, waiting + queue
        yield at_s, _counter("calls", {"generating": generating, "waiting": waiting})
        if asked or said:
            tokens_in, tokens_out = tokens_in + asked, tokens_out + said
            yield at_s, _counter("tokens", {"in": tokens_in, "out": tokens_out})


def _counter(name: str, values: dict[str, int]) -> Event:
    return {"ph": "C", "name": name, "tid": _EVENTS_THREAD, "args": values}


def _label(call: CallRecord) -> str:
    task = f"{call.role}:{call.module}" if call.module else call.role
    return task if call.attempt == 1 else f"{task} #{call.attempt}"


def _about(call: CallRecord) -> Event:
    """What is shown of a call that is selected."""
    return {
        "number": call.number,
        "role": call.role,
        "module": call.module,
        "attempt": call.attempt,
        "model": call.model,
        "status": call.status,
        "error": call.error,
        "done_reason": call.done_reason,
        "tokens_in": call.prompt_tokens,
        "tokens_out": call.output_tokens,
        "queued_ms": round(1000 * call.queued_s, 3),
        "request": call.request_hash,
    }


def _us(seconds: float) -> int:
    return round(1_000_000 * seconds)
