"""The pace of a run: what its tasks took by role, and how fast the model answered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.roles import Role
from harness.gateway.calls import CallRecord
from harness.record.run_pace import RolePace, RunPace, pace_of
from tests.compare.records import make_call


def _call(role: str, begun_s: float, took_s: float, size: int = 100, **facts: Any) -> CallRecord:
    """A call that waited a second for its slot, and after that a tenth of the rest for its first token."""
    given = {"module": "Cart", "response": "x" * size} | facts
    call = make_call(role, **given, arrival_s=begun_s - 1.0, granted_s=begun_s, end_s=begun_s + took_s)
    return call.model_copy(update={"first_byte_s": begun_s + 0.1 * took_s})


def _role(pace: RunPace | None, role: Role) -> RolePace:
    assert pace is not None
    return next(of_role for of_role in pace.roles if of_role.role is role)


def test_pace_is_per_character_from_the_first_and_waiting_for_a_slot_is_no_part_of_it() -> None:
    pace = pace_of([_call("developer", 5.0, 10.0, size=900)])
    assert pace is not None
    assert (pace.first_token_s, pace.per_char_s) == pytest.approx((1.0, 0.01))
    assert _role(pace, Role.DEVELOPER) == RolePace(role=Role.DEVELOPER, tasks=1, task_s=10.0, answer_size=900)


def test_what_a_review_sends_back_is_part_of_the_review() -> None:
    pace = pace_of(
        [
            _call("developer", 1.0, 10.0, size=4000),
            _call("reviewer", 20.0, 2.0, size=300),
            _call("developer", 30.0, 8.0, size=5000),
            _call("reviewer", 40.0, 1.0, size=50),
            _call("developer", 30.0, 4.0, size=2000, module="Users"),
        ]
    )
    assert _role(pace, Role.REVIEWER) == RolePace(role=Role.REVIEWER, tasks=1, task_s=11.0, answer_size=50)
    # Of another module: nobody has reviewed that.
    assert _role(pace, Role.DEVELOPER) == RolePace(role=Role.DEVELOPER, tasks=2, task_s=7.0, answer_size=3000)


def test_an_audit_that_has_the_plan_revised_is_one_task_of_the_project() -> None:
    calls = [_call(role, 10.0 * n, 3.0, module=None) for n, role in enumerate(["analyst", "auditor"] * 2)]
    pace = pace_of(calls)
    assert (_role(pace, Role.ANALYST).task_s, _role(pace, Role.AUDITOR).task_s) == (3.0, 9.0)


def test_gaps_asked_for_side_by_side_count_once() -> None:
    calls = [_call("developer", begun_s, 10.0) for begun_s in (0.0, 2.0, 4.0)]
    calls.append(_call("developer", 20.0, 5.0))
    assert _role(pace_of(calls), Role.DEVELOPER).task_s == 19.0


def test_what_says_nothing_of_the_model_is_left_out() -> None:
    """A fault, a call without a slot, a role that nobody knows."""
    plain = _call("developer", 0.0, 2.0)
    others = [
        _call("developer", 0.0, 60.0).model_copy(update={"fault": "hang:1"}),
        _call("developer", 0.0, 60.0).model_copy(update={"granted_s": None}),
        _call("unknown", 0.0, 2.0),
    ]
    pace = pace_of([plain, *others])
    assert pace is not None
    assert pace.roles == (RolePace(role=Role.DEVELOPER, tasks=1, task_s=2.0, answer_size=100),)


@pytest.mark.parametrize(
    "change", [{"response": ""}, {"error": "cut"}, {"stream": False}, {"first_byte_s": None}]
)
def test_where_no_answer_streamed_whole_there_is_no_pace(change: dict[str, Any]) -> None:
    assert pace_of([_call("developer", 0.0, 2.0).model_copy(update=change)]) is None
    assert pace_of([]) is None


MOMENTS = st.none() | st.floats(-1e6, 1e6)


@given(
    st.lists(
        st.builds(
            lambda role, granted_s, end_s, first_s, text: make_call(
                role, granted_s=granted_s, end_s=end_s, response=text
            ).model_copy(update={"first_byte_s": first_s}),
            st.sampled_from([*Role, "unknown"]),
            MOMENTS,
            st.floats(-1e6, 1e6),
            MOMENTS,
            st.text(max_size=3),
        ),
        max_size=6,
    )
)
def test_whatever_the_times_a_pace_comes_back_from_its_record(calls: list[CallRecord]) -> None:
    """A clock that went wrong must not make a record that cannot be written or read."""
    pace = pace_of(calls)
    if pace is not None:
        assert RunPace.model_validate_json(pace.model_dump_json()) == pace
