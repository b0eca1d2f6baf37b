"""The times that a run wrote down: only what no clock that goes forward can have said is a mismatch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agents.build import EventKind, TaskEvent
from harness.compare.event_times import compare_attempt_times, compare_event_times
from harness.record import RunRecord
from tests.compare.records import board, make_call, make_record

MODULES = ("Users", "Cart", "Pages", "Orders", "Books")
STARTED, COMPLETED = EventKind.TASK_STARTED, EventKind.TASK_COMPLETED


def moment(second: float) -> str:
    return f"2024-05-01T10:00:{second:06.3f}+00:00"


def run(
    folder: Path,
    *,
    began: float = 0.02,
    ended: float = 2.02,
    events: Sequence[TaskEvent] | None = None,
    answered: Sequence[float] | None = None,
    redis: bool = True,
) -> RunRecord:
    """A task for each module, ten seconds apart, answered in its second second."""
    answers = answered or [10 * place + 1.01 for place in range(len(MODULES))]
    attempts = [
        {"agent": "developer", "module": module, "attempt_number": 1, "timestamp": moment(at)}
        for module, at in zip(MODULES, answers, strict=True)
    ]
    told = [
        TaskEvent(kind, moment(10 * place + second), f"developer:{module}")
        for place, module in enumerate(MODULES)
        for kind, second in ((STARTED, began), (COMPLETED, ended))
    ]
    calls = [make_call(module=module, end_s=10 * place + 1) for place, module in enumerate(MODULES)]
    record = make_record(
        folder,
        blackboard=board(agent_attempts=attempts),
        events=told if events is None else events,
        calls=calls,
    )
    flags = {"state_store": "redis" if redis else "json"}
    return replace(record, summary=record.summary.model_copy(update={"composition": flags}))


def said(tmp_path: Path, candidate: RunRecord) -> list[str]:
    control = run(tmp_path / "control", redis=False)
    found = (*compare_event_times(control, candidate), *compare_attempt_times(control, candidate))
    return [mismatch.sentence for mismatch in found]


@pytest.mark.parametrize("seconds", [(0.0, 2.0), (1.01, 1.01), (0.9, 1.1)])
def test_a_task_begins_before_its_answer_and_ends_after_it(
    seconds: tuple[float, float], tmp_path: Path
) -> None:
    # Red where a time that is the same to the millisecond counts as wrong.
    assert said(tmp_path, run(tmp_path / "candidate", began=seconds[0], ended=seconds[1])) == []


def test_a_beginning_that_is_announced_at_the_end_is_dated_too_late(tmp_path: Path) -> None:
    # Red where only which events there are is compared.
    (sentence,) = said(tmp_path, run(tmp_path / "candidate", began=1.5))
    assert sentence == "TASK_STARTED developer:Users is dated after its first answer, and so do 4 more"


def test_an_end_that_is_dated_before_the_answer_is_told(tmp_path: Path) -> None:
    (sentence,) = said(tmp_path, run(tmp_path / "candidate", ended=0.5))
    assert sentence == "TASK_COMPLETED developer:Users is dated before its first answer, and so do 4 more"


def test_events_that_are_told_to_the_second_are_not_dated_before_the_answer(tmp_path: Path) -> None:
    # Red where what was cut off from a time counts as time.
    answers = [10 * place + 1.7 for place in range(len(MODULES))]
    assert said(tmp_path, run(tmp_path / "candidate", began=0, ended=1, answered=answers)) == []
    (sentence,) = said(tmp_path, run(tmp_path / "early", began=0, ended=0, answered=answers))
    assert sentence.startswith("TASK_COMPLETED developer:Users is dated before its first answer")


def test_attempts_that_are_told_to_the_second_stand_still_for_a_while(tmp_path: Path) -> None:
    # Red where a short run by an engine that dates so is a mismatch.
    quick = run(tmp_path / "candidate", answered=[5.0] * 5, events=[])
    calls = [make_call(module=module, end_s=place / 10) for place, module in enumerate(MODULES)]
    assert said(tmp_path, replace(quick, calls=tuple(calls))) == []
    assert said(tmp_path, quick) != []


def test_a_clock_that_is_set_back_once_is_no_mismatch(tmp_path: Path) -> None:
    # Red where one task at a wrong time, or one step back, is enough.
    events = run(tmp_path / "made").events
    # Set back by 15 seconds while the second task is under way.
    ahead = [
        replace(event, at=moment(at + 15)) for event, at in zip(events, (0.02, 2.02, 10.02), strict=False)
    ]
    candidate = run(
        tmp_path / "candidate", events=[*ahead, *events[3:]], answered=[16.0, 11.0, 21.0, 31.0, 41.0]
    )
    assert said(tmp_path, candidate) == []


def test_events_that_are_told_after_later_ones_come_late(tmp_path: Path) -> None:
    # Red where the order in which events come is not held against their times.
    events = run(tmp_path / "made").events
    begun, ended = events[::2], events[1::2]
    mixed = [event for pair in zip(ended[1:], begun[:-1], strict=True) for event in pair]
    (sentence,) = said(tmp_path, run(tmp_path / "candidate", events=[*mixed, begun[-1], ended[0]]))
    assert sentence.startswith(
        "TASK_STARTED developer:Users came after TASK_COMPLETED developer:Cart, which is"
    )
    # A state that saves a file between date and announcement may be overtaken.
    assert said(tmp_path, run(tmp_path / "other", events=[*mixed, begun[-1], ended[0]], redis=False)) == []


def test_attempts_that_are_all_dated_alike_are_told(tmp_path: Path) -> None:
    # Red where a time of the run is as good as another.
    still = run(tmp_path / "candidate", answered=[5.0] * 5, events=[])
    (sentence,) = said(tmp_path, still)
    assert sentence == (
        "agent_attempts[timestamp]: the attempts are dated within 0.000 s, and the gateway saw their answers "
        "within 40.000 s"
    )
    assert list(compare_attempt_times(still, still)) == []
