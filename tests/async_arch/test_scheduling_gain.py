"""What the order of what is ready is worth, by simulation: on a clock that jumps from one end to the next."""

from __future__ import annotations

import asyncio
from functools import cache

import pytest

from benchmarks.ordering import CASES, SENT_BACK, Case, Course, Path, default, fifo, learnt, learnt_from, run
from benchmarks.workload import list_schedule_s
from tests.compare.rehearsal import VirtualTimeLoop


def _course(case: Case, path: Path) -> Course:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(run(case, path))


@cache
def _first_in_first_out(number: int) -> Course:
    return _course((*CASES, SENT_BACK)[number], fifo())


# What is left to FIFO differs by the graph: chains of equal length leave it nothing to get wrong.
@pytest.mark.parametrize(("number", "over_fifo"), [(0, 0.90), (1, 0.97), (2, 1.0), (3, 0.95)])
def test_the_critical_path_first_takes_what_a_list_schedule_takes(number: int, over_fifo: float) -> None:
    case = CASES[number]
    in_turn = _first_in_first_out(number)
    weights = learnt_from(case, in_turn)
    by_default, by_record = _course(case, default(case)), _course(case, learnt(case, weights))
    scheduled_s = list_schedule_s(case.tasks, case.slots, 1.0)
    assert by_default.took_s == pytest.approx(scheduled_s)
    assert by_record.took_s == pytest.approx(scheduled_s)
    assert by_default.took_s <= over_fifo * in_turn.took_s


def test_weights_that_were_learnt_mend_an_order_that_the_defaults_get_wrong() -> None:
    in_turn = _first_in_first_out(len(CASES))
    by_default = _course(SENT_BACK, default(SENT_BACK))
    by_record = _course(SENT_BACK, learnt(SENT_BACK, learnt_from(SENT_BACK, in_turn)))
    assert by_record.took_s <= 0.93 * by_default.took_s
    assert by_record.took_s <= 0.92 * in_turn.took_s
    assert by_record.took_s <= 1.13 * SENT_BACK.lower_bound_s


def test_a_second_lesson_changes_nothing_more() -> None:
    """What is learnt does not depend on the order of the run that it is learnt from."""
    weights = learnt_from(SENT_BACK, _first_in_first_out(len(CASES)))
    again = learnt_from(SENT_BACK, _course(SENT_BACK, learnt(SENT_BACK, weights)))
    for role, weight in weights.roles.items():
        assert again.roles[role].task_s == pytest.approx(weight.task_s)
