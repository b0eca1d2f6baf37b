"""Runs by workers in which one took tasks over from another: what is compared of them, and what is said.

That a worker dies is the machine's doing. What it had asked for such a task stands in the record, is paid for
and has no effect: it is put aside, as far as an execution that was given up explains it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness.compare.normalisation import RuleFired
from harness.record import RunRecord
from harness.record.taken_over import TakenOver, begun_again, taken_over

__all__ = ["in_effect", "put_aside", "say_taken_over", "tasks_taken_over"]

_RULE = "taken-over"


def tasks_taken_over(record: RunRecord) -> int:
    """How many tasks of `record` a worker took over from another."""
    return len(begun_again(record.summary.composition, record.events))


def in_effect(record: RunRecord) -> RunRecord:
    """`record` without the calls and beginnings that had no effect because another worker took over."""
    if not tasks_taken_over(record):
        return record
    found = _taken_over(record)
    return replace(record, calls=found.calls, events=found.events)


def put_aside(control: RunRecord, candidate: RunRecord) -> tuple[RuleFired, ...]:
    """How many calls were put aside so, if any."""
    before, after = (_taken_over(record).put_aside for record in (control, candidate))
    return (RuleFired(rule=_RULE, control=before, candidate=after),) if before or after else ()


def say_taken_over(record: RunRecord, side: str) -> Iterator[str]:
    """That tasks of `record` were taken over, and what was put aside because of it, in a sentence."""
    if not (count := tasks_taken_over(record)):
        return
    aside = _taken_over(record).put_aside
    calls = f"{aside} call{'s' * (aside != 1)} of {count} task{'s' * (count != 1)}"
    yield (
        f"the {side} was built by workers, and put aside before comparing: {calls} that another worker took "
        "over; its times are not judged"
    )


def _taken_over(record: RunRecord) -> TakenOver:
    attempts = (record.blackboard or {}).get("agent_attempts")
    return taken_over(record.summary.composition, record.calls, record.events, attempts)
