"""Stalls: what counts as one, moment by moment, and that a healthy engine has none."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.compare.stalls import Stalls, idle_gaps_s, stalls_of
from harness.gateway.calls import CallRecord
from harness.record import RunRecord
from tests.compare.paced_engine import Pace, paced_run
from tests.compare.records import make_call

ALLOWANCE_S = 0.5
PLANNED = paced_run({"A": [], "B": []}, slots=2)


def run(*calls: CallRecord, slots: int = 2, wall_s: float = 20.0) -> RunRecord:
    """A run on two modules that need nothing of each other, planned from 0 to 1 s."""
    planning = call("auditor", None, 0.0, 1.0)
    summary = PLANNED.summary.model_copy(update={"slots": slots, "wall_s": wall_s})
    return RunRecord(summary, (planning, *calls), (), PLANNED.blackboard, PLANNED.folder)


def call(
    role: str, module: str | None, arrival_s: float, end_s: float, error: str | None = None
) -> CallRecord:
    return make_call(role, module, arrival_s=arrival_s, granted_s=arrival_s, end_s=end_s, error=error)


def test_a_call_is_held_back_from_when_it_is_ready_and_a_slot_is_free_for_longer_than_a_step_takes() -> None:
    seen = stalls_of(run(call("architect", "A", 1.0, 5.0), call("architect", "B", 4.0, 20.0)), ALLOWANCE_S)
    assert seen.held_back_s == (2.5,)
    assert seen.idle_s == ()
    longest = seen.longest
    assert longest is not None
    assert (longest.call.module, longest.seconds) == ("B", 2.5)
    assert longest.beside is not None
    assert longest.beside.module == "A"


def test_a_slot_that_was_just_left_is_not_yet_free() -> None:
    """B took the slot that A left, within its allowance: what it waited for before is no fault."""
    full = (call("architect", "A", 1.0, 4.0), call("unknown", None, 1.0, 9.0))
    assert stalls_of(run(*full, call("architect", "B", 4.4, 20.0)), ALLOWANCE_S).held_back_s == ()
    late = stalls_of(run(*full, call("architect", "B", 5.0, 20.0)), ALLOWANCE_S)
    assert late.held_back_s == pytest.approx((0.5,))


def test_each_stall_ends_when_the_next_call_comes() -> None:
    """So that one that is long is told from many."""
    seen = stalls_of(
        run(
            call("architect", "A", 1.0, 3.0),
            call("developer", "A", 3.0, 5.0),
            call("architect", "B", 5.0, 20.0),
            slots=4,
        ),
        ALLOWANCE_S,
    )
    assert seen.held_back_s == (1.5, 2.0)


def test_gaps_are_where_nothing_is_under_way() -> None:
    """Also before the first call and behind the last; a call that queues is under way."""
    queueing = make_call("architect", "B", arrival_s=6.0, granted_s=8.0, end_s=9.0)
    record = run(call("architect", "A", 3.0, 4.0), queueing, wall_s=10.0)
    assert idle_gaps_s(record) == [2.0, 2.0, 1.0]
    assert stalls_of(record, ALLOWANCE_S).idle_s == (1.5, 1.5, 0.5)
    assert idle_gaps_s(run(wall_s=0.5)) == []


def test_a_call_that_is_made_again_is_under_way_until_it_is() -> None:
    again = (call("architect", "A", 1.0, 2.0, "busy"), call("architect", "A", 8.0, 20.0))
    assert idle_gaps_s(run(*again)) == []


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 16), st.integers(0, 2**32), st.floats(0.01, 3.0))
def test_an_engine_whose_steps_take_no_longer_than_allowed_has_no_stalls_at_all(
    slots: int, seed: int, took_s: float
) -> None:
    """Not even short ones, with all slots taken or with some left, and with steps as long as they may be."""
    draw = Random(seed)  # noqa: S311 (no secret)
    names = [f"M{number}" for number in range(draw.randint(1, 8))]
    requires = {
        name: draw.sample(names[:place], min(place, draw.randint(0, 2))) for place, name in enumerate(names)
    }
    pace = Pace(
        slots=slots,
        step_s=lambda draw: draw.uniform(0.03, 0.045),
        took_s=lambda draw: took_s * draw.lognormvariate(0.0, 1.0),
    )
    assert stalls_of(paced_run(requires, pace, seed=seed), 0.1) == Stalls()
