"""The call graph: which call of a run had to wait for which, as the workflow has it."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from agents.conversation import UnusableAnswer
from agents.plan import Plan, read_plan
from agents.roles import Role
from agents.workflow import PLANNING, Task, build_tasks
from harness.compare.quotes import quoted_calls
from harness.gateway.calls import CallRecord
from harness.record import RunRecord

__all__ = [
    "CallGraph",
    "call_graph",
    "critical_path",
    "critical_path_s",
    "group_named",
    "group_of",
    "list_schedule_s",
    "needs_of_groups",
    "plan_of",
]

# Developer and optimizer come after one another, and between them developer and reviewer take turns: their
# calls for one module form a chain in the order in which they were made.
_SOURCE_ROLES = frozenset({Role.DEVELOPER, Role.REVIEWER, Role.OPTIMIZER})


@dataclass(frozen=True, slots=True)
class CallGraph:
    """Calls as (seconds of generating, indices of the calls it had to wait for), waits before waiters."""

    durations_s: tuple[float, ...]
    waits_for: tuple[tuple[int, ...], ...]
    places: tuple[int, ...]
    """Where each of them stands in the record, which has them in the order of their arrival."""


def call_graph(record: RunRecord) -> CallGraph:
    """The graph of the calls of `record`.

    The calls of one task form a chain in the order of their arrival; its first call waits for the last calls
    of what the task needs. A call of no known role waits for none: what it needs, nobody knows. A call of an
    external engine, whose tasks are its own affair, waits for those it quotes.
    """
    if record.summary.external is not None:
        durations_s = tuple(call.generating_s for call in record.calls)
        return CallGraph(durations_s, tuple(quoted_calls(record.calls)), tuple(range(len(durations_s))))
    groups = needs_of_groups(plan_of(record))
    members: dict[Task | None, list[int]] = {group: [] for group in groups}
    for place, call in enumerate(record.calls):
        members.setdefault(group_of(call), []).append(place)
    places: list[int] = []
    waits: list[tuple[int, ...]] = []
    last: dict[Task | None, tuple[int, ...]] = {}
    for group, found in members.items():
        needs = () if group is None else groups.get(group, PLANNING[-1:])
        behind = tuple(dict.fromkeys(i for need in needs for i in last.get(need, ())))
        for place in found:
            places.append(place)
            waits.append(behind)
            if group is not None:
                behind = (len(places) - 1,)
        last[group] = behind
    durations_s = tuple(record.calls[place].generating_s for place in places)
    return CallGraph(durations_s, tuple(waits), tuple(places))


def plan_of(record: RunRecord) -> Plan | None:
    """The plan on the blackboard of `record`, or None where there is none."""
    data = (record.blackboard or {}).get("architecture")
    try:
        return read_plan(data) if isinstance(data, Mapping) else None
    except UnusableAnswer:
        return None


def group_of(call: CallRecord) -> Task | None:
    """The task that stands for the chain a call belongs to; None where its role is none of ours."""
    return _group(call.role, call.module)


def group_named(task: str) -> Task | None:
    """The task that stands for the chain of a task by its name, `developer:Cart`; None where it is none."""
    role, _, module = task.partition(":")
    return _group(role, module or None)


def _group(name: str, module: str | None) -> Task | None:
    try:
        role = Role(name)
    except ValueError:
        return None
    if Task(role) in PLANNING:
        return PLANNING[-1]
    return Task(Role.OPTIMIZER if role in _SOURCE_ROLES else role, module)


def needs_of_groups(plan: Plan | None) -> dict[Task | None, tuple[Task, ...]]:
    """The chains of a project in build order, each with those it needs."""
    groups: dict[Task | None, tuple[Task, ...]] = {PLANNING[-1]: ()}
    for task, needs in (build_tasks(plan) if plan else {}).items():
        if task.role is Role.OPTIMIZER:
            groups[task] = (Task(Role.ARCHITECT, task.module),)
        elif task.role not in _SOURCE_ROLES:
            groups[task] = needs or (PLANNING[-1],)
    return groups


def critical_path(graph: CallGraph) -> tuple[int, ...]:
    """The longest chain of calls that had to wait for each other, by their indices, the first one first."""
    ends: list[float] = []
    behind: list[int | None] = []
    for duration, waits in zip(graph.durations_s, graph.waits_for, strict=True):
        latest = max(waits, key=ends.__getitem__, default=None)
        behind.append(latest)
        ends.append((0.0 if latest is None else ends[latest]) + duration)
    path: list[int] = []
    index = max(range(len(ends)), key=ends.__getitem__, default=None)
    while index is not None:
        path.append(index)
        index = behind[index]
    return tuple(reversed(path))


def critical_path_s(graph: CallGraph) -> float:
    """How long the critical path takes: no number of slots is faster."""
    return sum(graph.durations_s[index] for index in critical_path(graph))


def list_schedule_s(graph: CallGraph, slots: int) -> float:
    """How long the calls take on `slots` slots by a list schedule that starts the longest path first."""
    count = len(graph.durations_s)
    followers: list[list[int]] = [[] for _ in range(count)]
    for index, waits in enumerate(graph.waits_for):
        for i in waits:
            followers[i].append(index)
    path = [0.0] * count
    for index in reversed(range(count)):
        path[index] = graph.durations_s[index] + max((path[i] for i in followers[index]), default=0.0)
    missing = [len(waits) for waits in graph.waits_for]
    ready = [(-path[index], index) for index in range(count) if not missing[index]]
    heapq.heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < slots:
            _, index = heapq.heappop(ready)
            heapq.heappush(running, (now + graph.durations_s[index], index))
        now = running[0][0]
        # All that end now, before any starts: one that becomes ready may be more urgent than those that are.
        while running and running[0][0] == now:
            _, index = heapq.heappop(running)
            for follower in followers[index]:
                missing[follower] -= 1
                if not missing[follower]:
                    heapq.heappush(ready, (-path[follower], follower))
    return now
