"""The call graph: what had to wait for what, and how fast the calls could be at best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.roles import Role
from agents.workflow import PLANNING, Task
from harness.compare.call_graph import (
    CallGraph,
    call_graph,
    critical_path,
    critical_path_s,
    group_named,
    group_of,
    list_schedule_s,
    needs_of_groups,
    plan_of,
)
from harness.gateway.calls import CallRecord
from tests.compare.records import board, make_call, make_record

# Sums of these are exact, whatever their order.
DURATIONS_S = st.integers(0, 64).map(lambda eighths: eighths / 8)


def made(durations_s: Sequence[float], waits_for: Sequence[tuple[int, ...]]) -> CallGraph:
    """A graph of calls that stand in the record as they stand here."""
    return CallGraph(tuple(durations_s), tuple(waits_for), tuple(range(len(durations_s))))


@st.composite
def graphs(draw: st.DrawFn) -> CallGraph:
    durations = draw(st.lists(DURATIONS_S, max_size=14))
    waits = [
        tuple(draw(st.sets(st.integers(0, index - 1), max_size=4))) if index else ()
        for index in range(len(durations))
    ]
    return made(durations, waits)


SLOTS = st.integers(1, 5)


@settings(deadline=None)
@given(graphs(), SLOTS)
def test_a_list_schedule_lies_between_the_lower_bound_and_grahams(graph: CallGraph, slots: int) -> None:
    """Below max(path, work / m) nothing can be; above (2 - 1/m) times that, no list schedule is."""
    path_s, work_s = critical_path_s(graph), sum(graph.durations_s)
    bound_s = max(path_s, work_s / slots)
    assert bound_s <= list_schedule_s(graph, slots) <= (2 - 1 / slots) * bound_s
    assert list_schedule_s(graph, slots) <= work_s / slots + (1 - 1 / slots) * path_s


@given(graphs())
def test_one_slot_takes_all_the_work_and_enough_slots_the_critical_path(graph: CallGraph) -> None:
    assert list_schedule_s(graph, 1) == sum(graph.durations_s)
    assert list_schedule_s(graph, max(1, len(graph.durations_s))) == critical_path_s(graph)


@given(graphs())
def test_the_critical_path_is_the_longest_of_all_chains(graph: CallGraph) -> None:
    def longest(index: int) -> float:
        return graph.durations_s[index] + max((longest(i) for i in graph.waits_for[index]), default=0.0)

    assert critical_path_s(graph) == max(map(longest, range(len(graph.durations_s))), default=0.0)
    path = critical_path(graph)
    assert all(before in graph.waits_for[after] for before, after in pairwise(path))
    assert not path or not graph.waits_for[path[0]], "what it waited for would be missing"


def test_the_longest_path_is_started_first() -> None:
    """Two short calls before the long chain would make it 5 instead of 4 seconds."""
    assert list_schedule_s(made((1, 1, 1, 3), ((), (), (), (2,))), 2) == 4


def test_of_calls_that_end_together_all_make_others_ready_before_the_next_starts() -> None:
    """A short call that was ready all along may not take the slot of a long one that becomes ready now."""
    graph = made((1, 1, 2, 1, 5, 5), ((), (), (), (), (1,), (1,)))
    assert list_schedule_s(graph, 3) == 6


def test_no_calls_take_no_time() -> None:
    empty = made((), ())
    assert (critical_path_s(empty), list_schedule_s(empty, 3)) == (0, 0)


def waits(tmp_path: Path, calls: list[CallRecord], **more: object) -> dict[str, set[str]]:
    """For each call the calls that it waits for, all by role and module."""
    record = make_record(tmp_path, calls=calls, **more)  # type: ignore[arg-type]
    graph = call_graph(record)
    # Each call has a duration of its own, by which it is known again.
    names = {call.generating_s: f"{call.role} {call.module or ''}".strip() for call in calls}
    of = [names[duration] for duration in graph.durations_s]
    assert [record.calls[place].generating_s for place in graph.places] == list(graph.durations_s)
    return {of[i]: {of[need] for need in needs} for i, needs in enumerate(graph.waits_for)}


def lasting(role: str, module: str | None, length_s: float) -> CallRecord:
    return make_call(role, module, granted_s=0.0, end_s=length_s)


WHOLE = [
    lasting(role, module, length_s)
    for length_s, (role, module) in enumerate(
        [
            ("integrator", None),
            ("analyst", None),
            ("auditor", None),
            ("architect", "Pages"),
            ("architect", "Cart"),
            ("architect", "Users"),
            ("frontend_developer", "Pages"),
            ("developer", "Pages"),
            ("developer", "Cart"),
            ("reviewer", "Cart"),
            ("optimizer", "Cart"),
            ("debugger", None),
        ],
        start=1,
    )
]


def test_calls_wait_for_what_their_task_needs(tmp_path: Path) -> None:
    """Not for what merely came before: that is what concurrency is about."""
    assert waits(tmp_path, WHOLE) == {
        "analyst": set(),
        "auditor": {"analyst"},
        "architect Users": {"auditor"},
        "architect Cart": {"architect Users"},
        "architect Pages": {"architect Cart"},
        "developer Pages": {"architect Pages"},
        "frontend_developer Pages": {"architect Pages"},
        "developer Cart": {"architect Cart"},
        "reviewer Cart": {"developer Cart"},
        "optimizer Cart": {"reviewer Cart"},
        # The chain of Users ends with its architect: nothing else was asked for it.
        "integrator": {"architect Users", "optimizer Cart", "developer Pages", "frontend_developer Pages"},
        "debugger": {"integrator"},
    }


def test_without_a_plan_all_wait_for_planning_and_a_chain_for_itself(tmp_path: Path) -> None:
    found = waits(tmp_path, WHOLE, blackboard=None)
    assert found["developer Cart"] == {"auditor"}
    assert found["reviewer Cart"] == {"developer Cart"}
    assert found["architect Pages"] == {"auditor"}


def test_calls_of_an_unknown_role_wait_for_nothing(tmp_path: Path) -> None:
    """Taking them for a chain would make the lower bound higher than what an engine reaches."""
    calls = [lasting("unknown", None, 1.0), lasting("unknown", "Cart", 2.0), lasting("unknown", None, 4.0)]
    graph = call_graph(make_record(tmp_path, calls=calls))
    assert graph.waits_for == ((), (), ())
    assert critical_path_s(graph) == 4.0


def test_a_call_that_never_got_a_slot_takes_no_time_and_hands_on_the_wait(tmp_path: Path) -> None:
    calls = [
        lasting("developer", "Cart", 2.0),
        make_call("reviewer", "Cart", granted_s=None, end_s=9.0),
        lasting("optimizer", "Cart", 3.0),
    ]
    graph = call_graph(make_record(tmp_path, calls=calls))
    assert (sum(graph.durations_s), critical_path_s(graph)) == (5.0, 5.0)


@pytest.mark.parametrize(
    "architecture",
    [
        None,
        [],
        "text",
        {},
        {"modules": 3},
        {"modules": [{"name": "../x"}]},
        {"modules": [{"name": "A", "requires": ["A"]}]},
    ],
)
def test_a_plan_that_is_none_is_no_plan(architecture: object, tmp_path: Path) -> None:
    assert plan_of(make_record(tmp_path, blackboard=board(architecture=architecture))) is None


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("analyst", PLANNING[-1]),
        ("auditor", PLANNING[-1]),
        ("developer:Cart", Task(Role.OPTIMIZER, "Cart")),
        ("reviewer:Cart", Task(Role.OPTIMIZER, "Cart")),
        ("architect:Cart", Task(Role.ARCHITECT, "Cart")),
        ("integrator", Task(Role.INTEGRATOR)),
        ("engine", None),
        ("", None),
    ],
)
def test_a_task_and_its_calls_belong_to_one_chain(name: str, group: Task | None) -> None:
    role, _, module = name.partition(":")
    assert group_named(name) == group
    assert group_of(make_call(role, module or None)) == group


def test_needs_come_before_what_needs_them(tmp_path: Path) -> None:
    seen: set[Task | None] = set()
    for group, needs in needs_of_groups(plan_of(make_record(tmp_path))).items():
        assert seen.issuperset(needs)
        seen.add(group)
