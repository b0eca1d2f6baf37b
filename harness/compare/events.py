"""The events layer: did both engines announce the same, task by task?

Concurrency changes the order between tasks; within one task the order is its own, and none begins before what
it needs has ended. What an event tells of calls and tokens is held against what the gateway saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agents.build import EventKind
from agents.workflow import PLANNING, build_tasks
from harness.compare.call_graph import plan_of
from harness.compare.event_counts import compare_counts
from harness.compare.event_times import compare_event_times
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.text import shortened, told_apart
from harness.record import RunRecord

__all__ = ["compare_events"]

_Events = list[tuple[EventKind, str]]


def compare_events(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What differs between the events; of their times only what cannot be."""
    ours, theirs = _by_task(control), _by_task(candidate)
    differs = False
    for task in {**ours, **theirs}:
        before, after = ours.get(task, []), theirs.get(task, [])
        if before != after:
            differs = True
            yield from _compare_task(task or "the build", before, after)
    if not differs:
        yield from _out_of_order(control, candidate)
        yield from compare_counts(control, candidate)
        yield from compare_event_times(control, candidate)


def _out_of_order(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """Tasks that only the candidate announced before what they need, or outside the build."""
    early = _early(control)
    for task, other in _early(candidate).items():
        if task not in early:
            sentence = f"{EventKind.TASK_STARTED} {task} was announced before the end of {other}"
            yield _mismatch(Kind.CHANGED, task, sentence)
    for place, kind in ((0, EventKind.BUILD_STARTED), (-1, EventKind.BUILD_FINISHED)):
        if control.events[place:] and control.events[place].kind is kind:
            found = candidate.events[place]
            if found.kind is not kind:
                yield _mismatch(Kind.CHANGED, kind, f"{found} was announced in the place of {kind}")


def _early(record: RunRecord) -> dict[str, str]:
    """The tasks that began before something that they need had ended, each with the first such thing."""
    plan = plan_of(record)
    if plan is None or record.summary.sittings > 1:
        return {}
    places = {(event.kind, event.task): place for place, event in enumerate(record.events)}
    found: dict[str, str] = {}
    for task, needs in build_tasks(plan).items():
        began = places.get((EventKind.TASK_STARTED, str(task)))
        for need in needs or (PLANNING[-1],):
            ended = places.get((EventKind.TASK_COMPLETED, str(need)))
            if began is not None and ended is not None and began < ended:
                found.setdefault(str(task), str(need))
    return found


def _by_task(record: RunRecord) -> dict[str, _Events]:
    tasks: dict[str, _Events] = {}
    for event in record.events:
        tasks.setdefault(event.task, []).append((event.kind, event.detail))
    return tasks


def _compare_task(task: str, before: _Events, after: _Events) -> Iterator[Mismatch]:
    ours, theirs = Counter(kind for kind, _ in before), Counter(kind for kind, _ in after)
    for kind in {**ours, **theirs}:
        path = f"{kind} {task}"
        if not theirs[kind]:
            yield _mismatch(Kind.MISSING, path, f"the candidate did not announce {path}")
        elif not ours[kind]:
            yield _mismatch(Kind.EXTRA, path, f"only the candidate announced {path}")
        elif ours[kind] != theirs[kind]:
            sentence = f"{path} was announced {theirs[kind]} times instead of {ours[kind]}"
            yield _mismatch(Kind.REPEATED, path, sentence)
    if ours != theirs:
        return
    if sorted(before) == sorted(after):
        sentence = f"the events of {task} came as {_listed(after)} instead of {_listed(before)}"
        yield _mismatch(Kind.CHANGED, task, sentence)
        return
    for (kind, detail), (_, other) in zip(sorted(before), sorted(after), strict=True):
        if detail != other:
            one, two = told_apart(detail, other)
            yield _mismatch(Kind.CHANGED, f"{kind} {task}", f"{kind} {task} says {two} instead of {one}")


def _listed(events: _Events) -> str:
    return shortened(", ".join(kind for kind, _ in events))


def _mismatch(kind: Kind, path: str, sentence: str) -> Mismatch:
    return Mismatch(layer=Layer.EVENTS, kind=kind, path=path, sentence=sentence)
