"""What the events of a run tell of its calls and tokens, beside what the gateway saw of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from agents.workflow import Task
from harness.compare.call_graph import group_named, group_of
from harness.compare.mismatch import Kind, Layer, Mismatch
from harness.record import RunRecord

__all__ = ["compare_counts"]

_Counts = dict[str, Counter[Task | None]]


def compare_counts(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """Each count in which the candidate's events are further from the gateway's than the control's.

    Where the calls themselves differ, the conversation tells of it.
    """
    if control.summary.sittings > 1 or candidate.summary.sittings > 1:
        # What a task that was cut off had cost, no event tells.
        return
    told, told_too, seen, seen_too = _told(control), _told(candidate), _seen(control), _seen(candidate)
    yield from _retries(control, candidate)
    for what in told:
        wrong = [
            chain
            for chain in told[what]
            if seen[what][chain] == seen_too[what][chain]
            and told[what][chain] == seen[what][chain] != told_too[what][chain]
        ]
        if wrong:
            first = wrong[0]
            more = f", and so do {len(wrong) - 1} more" if len(wrong) > 1 else ""
            sentence = (
                f"the events of {first} tell of {told_too[what][first]} {what}, and the gateway saw "
                f"{seen_too[what][first]}{more}"
            )
            yield Mismatch(layer=Layer.EVENTS, kind=Kind.CHANGED, path=f"{what} {first}", sentence=sentence)


def _retries(control: RunRecord, candidate: RunRecord) -> Iterator[Mismatch]:
    """Where events tell of another number of retries, although as many calls were made and as many failed.

    Which answers could not be used, the gateway does not know: the control's word counts.
    """
    (told, made, failed), (told_too, made_too, failed_too) = map(_retries_told, (control, candidate))
    for chain, count in told.items():
        alike = made[chain] == made_too[chain] and failed[chain] == failed_too[chain]
        if alike and chain in told_too and told_too[chain] != count:
            sentence = f"the events of {chain} tell of {told_too[chain]} retries instead of {count}"
            yield Mismatch(layer=Layer.EVENTS, kind=Kind.CHANGED, path=f"retries {chain}", sentence=sentence)
            return


def _retries_told(record: RunRecord) -> tuple[dict[Task, int], Counter[Task | None], Counter[Task | None]]:
    """By chain: the retries that events tell of, and how many calls were made and failed."""
    told: dict[Task, int] = {}
    for event in record.events:
        if (chain := group_named(event.task)) is not None:
            told[chain] = told.get(chain, 0) + event.retries
    made = Counter(map(group_of, record.calls))
    return told, made, Counter(group_of(call) for call in record.calls if call.error is not None)


def _told(record: RunRecord) -> _Counts:
    counts: _Counts = {"calls": Counter(), "prompt tokens": Counter(), "output tokens": Counter()}
    for event in record.events:
        if (chain := group_named(event.task)) is not None:
            counts["calls"][chain] += event.calls
            counts["prompt tokens"][chain] += event.prompt_tokens
            counts["output tokens"][chain] += event.output_tokens
    return counts


def _seen(record: RunRecord) -> _Counts:
    counts: _Counts = {"calls": Counter(), "prompt tokens": Counter(), "output tokens": Counter()}
    for call in record.calls:
        if (chain := group_of(call)) is not None:
            counts["calls"][chain] += 1
            counts["prompt tokens"][chain] += (call.prompt_tokens or 0) if call.error is None else 0
            counts["output tokens"][chain] += (call.output_tokens or 0) if call.error is None else 0
    return counts
