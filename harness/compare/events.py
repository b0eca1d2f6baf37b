"""The events layer: did both engines announce the same, task by task?

Concurrency changes the order between tasks; within one task the order is its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agents.build import EventKind
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.compare.text import shortened, told_apart
from harness.record import RunRecord

__all__ = ["compare_events"]

_Events = list[tuple[EventKind, str]]


def compare_events(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """What differs between the events, times aside."""
    ours, theirs = _by_task(control), _by_task(candidate)
    for task in {**ours, **theirs}:
        before, after = ours.get(task, []), theirs.get(task, [])
        if before != after:
            yield from _compare_task(task or "the build", before, after)


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
