"""The schedule on a model that slows down: the list schedule where it does not, and slower where it does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.compare.call_graph import CallGraph, critical_path_s, list_schedule_s
from harness.doctor.curve import Beyond
from harness.doctor.schedule import path_s, scheduled_s, sequential_s
from harness.doctor.workload import Workload
from tests.doctor.planned import TOKEN_S, fleet, work


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    tokens = draw(st.lists(st.integers(1, 64), max_size=14))
    waits = [
        tuple(draw(st.sets(st.integers(0, index - 1), max_size=4))) if index else ()
        for index in range(len(tokens))
    ]
    return work(tokens, waits)


@settings(max_examples=25)
@given(workloads(), st.integers(1, 5))
def test_where_nothing_slows_down_it_is_the_list_schedule(planned: Workload, slots: int) -> None:
    durations_s = tuple(call.output_tokens * TOKEN_S for call in planned.calls)
    graph = CallGraph(durations_s, planned.waits_for, tuple(range(len(durations_s))))
    one = fleet(slots)
    assert scheduled_s(planned, one, slots) == pytest.approx(list_schedule_s(graph, slots))
    assert path_s(planned, one) == pytest.approx(critical_path_s(graph))
    assert sequential_s(planned, one) == pytest.approx(sum(durations_s))


@settings(max_examples=25)
@given(workloads(), st.integers(1, 5))
def test_where_all_share_one_throughput_nothing_is_gained(planned: Workload, slots: int) -> None:
    """Work is work: however many are generated at once, the same comes out of a second."""
    shared = fleet(5, 1, 2, 3, 4, 5)
    assert scheduled_s(planned, shared, slots) == pytest.approx(sequential_s(planned, shared))


def test_a_call_becomes_faster_when_the_one_beside_it_ends() -> None:
    """8 and 24 tokens at half the pace: 8 each in 2 s, then the other 16 alone in 2 s."""
    assert scheduled_s(work([8, 24]), fleet(2, 1, 2), 2) == pytest.approx(2.0 + 2.0)


def test_past_what_was_measured_they_slow_down_on_or_share_what_came_out() -> None:
    """Eight calls of 8 tokens, of which two were measured at 1.5 times: half as much for each more."""
    two = fleet(2, 1, 1.5)
    eight = work([8] * 8)
    assert scheduled_s(eight, two, 8, Beyond.TREND) == pytest.approx(4.5)
    assert scheduled_s(eight, two, 8, Beyond.SHARED) == pytest.approx(6.0)
    assert scheduled_s(eight, two, 2) == pytest.approx(6.0)


def test_between_what_was_measured_it_is_in_the_middle() -> None:
    curve = fleet(4, 1).hosts[0].curve
    points = (curve.points[0], fleet(4, 1, 1, 1, 2).hosts[0].curve.points[3])
    assert type(curve)(points, 0.0).at(2).token_s == pytest.approx(TOKEN_S * (1 + 1 / 3))
