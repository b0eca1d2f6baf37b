"""What times and resources show of a fault in an engine, and what they never show of a healthy one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.conversation import ModelReply, ModelRequest
from agents.workflow import Task
from harness.compare import Kind, Layer, Mismatch
from harness.compare.timing_mismatches import compare_timing
from harness.gateway.calls import CallRecord
from harness.record import ExternalPlace, OutcomeStatus, RunOutcome, RunRecord
from tests.compare.conftest import Rehearse
from tests.compare.paced_engine import Pace, Requires, paced_run, using
from tests.compare.rehearsal import Calls, Gateway, Parts

SHOP: Requires = {
    "Users": [],
    "Catalog": [],
    "Orders": ["Users", "Catalog"],
    "Reports": ["Catalog"],
    "Pages": ["Orders"],
}
TWO: Requires = {"Users": [], "Catalog": []}
SEQUENTIAL = Pace(at_once=1)
LEGACY = paced_run(SHOP, SEQUENTIAL, concurrent=False)


def found(candidate: RunRecord, control: RunRecord = LEGACY) -> list[Mismatch]:
    return list(compare_timing(control, candidate))


def _one_of_a_role(task: Task, under_way: Sequence[Task], _left: Sequence[Task]) -> bool:
    return all(other.role != task.role for other in under_way)


def _module_by_module(task: Task, under_way: Sequence[Task], left: Sequence[Task]) -> bool:
    return task.module == (*under_way, *left)[0].module


def _role_by_role(task: Task, under_way: Sequence[Task], left: Sequence[Task]) -> bool:
    """All architects, then all developers: a barrier behind each."""
    order = ["analyst", "auditor", "architect", "developer", "reviewer", "optimizer"]
    first = min((order.index(t.role) for t in (*under_way, *left) if t.role in order), default=99)
    return task.role not in order or order.index(task.role) == first


def _slow_steps(draw: Random) -> float:
    return draw.uniform(0.3, 0.5)


HOLDING_BACK = {
    "one call at a time": SEQUENTIAL,
    "one call of a role at a time": Pace(may_begin=_one_of_a_role),
    "module by module": Pace(may_begin=_module_by_module),
    "role by role, with a barrier behind each": Pace(may_begin=_role_by_role),
    "half of the slots": Pace(slots=4, at_once=2),
}


@pytest.mark.parametrize("fault", HOLDING_BACK)
@pytest.mark.parametrize("seed", range(3))
def test_an_engine_that_holds_calls_back_is_told_whatever_holds_them(fault: str, seed: int) -> None:
    wide = {**SHOP, "Stock": [], "Mail": [], "Search": ["Catalog"]}
    (mismatch,) = found(paced_run(wide, HOLDING_BACK[fault], seed=seed))
    assert (mismatch.layer, mismatch.kind) == (Layer.TIMING, Kind.HELD_BACK)
    assert "calls were ready and a slot was free" in mismatch.sentence
    assert "limit" in mismatch.sentence


def test_the_modules_that_were_held_apart_are_named() -> None:
    (mismatch,) = found(paced_run(TWO, Pace(may_begin=_module_by_module)))
    assert "while the optimizer of Users, which it does not need, was generating" in mismatch.sentence
    assert "Catalog and Users were never generated at the same time" in mismatch.sentence


class _OneAtATime(Calls):
    """Makes one call after another, whatever the scheduler starts."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._lock = asyncio.Lock()

    async def __call__(self, request: ModelRequest) -> ModelReply:
        async with self._lock:
            return await super().__call__(request)


def test_a_lock_hidden_in_the_real_engine_is_told_and_the_engine_without_it_is_not(
    control: RunRecord, rehearse: Rehearse
) -> None:
    """All it does is right: only its times show it."""
    (mismatch,) = found(rehearse(Parts(calls=_OneAtATime)), control)
    assert mismatch.kind is Kind.HELD_BACK
    for slots in (1, 2, 16):
        assert found(rehearse(slots=slots, seed=slots), control) == []


def test_slow_steps_are_told_of_any_engine() -> None:
    """Nothing is under way meanwhile, so that it is no matter of concurrency."""
    slow = replace(SEQUENTIAL, step_s=_slow_steps)
    (mismatch,) = found(paced_run(SHOP, slow, concurrent=False))
    assert mismatch.kind is Kind.STALLED
    assert "nothing was under way" in mismatch.sentence
    assert found(paced_run(SHOP, Pace(step_s=_slow_steps)))


@st.composite
def projects(draw: st.DrawFn) -> Requires:
    names = [f"M{number}" for number in range(draw(st.integers(1, 7)))]
    return {
        name: sorted(draw(st.sets(st.sampled_from(names[:place]), max_size=3))) if place else []
        for place, name in enumerate(names)
    }


@settings(deadline=None, max_examples=30)
@given(projects(), st.integers(1, 16), st.integers(0, 2**32), st.floats(0.01, 5.0), st.floats(0.0, 0.045))
def test_an_engine_that_takes_what_it_can_is_never_told(
    requires: Requires, slots: int, seed: int, took_s: float, step_s: float
) -> None:
    """Whatever depends on what, in whatever order, however long calls take, and slow as its steps may be."""
    pace = Pace(
        slots=slots,
        step_s=lambda draw: draw.uniform(0.0, step_s),
        took_s=lambda draw: took_s * draw.lognormvariate(0.0, 1.0),
    )
    quick = replace(pace, at_once=1, step_s=lambda _: 0.001)
    control = paced_run(requires, quick, seed=seed + 1, concurrent=False)
    healthy = paced_run(requires, pace, seed=seed)
    assert found(healthy, control) == []
    assert found(healthy, healthy) == []
    slow = paced_run(requires, replace(pace, at_once=1), seed=seed, concurrent=False)
    assert found(slow, control) == []


def test_with_one_slot_nothing_is_held_back() -> None:
    one = replace(SEQUENTIAL, slots=1)
    assert found(paced_run(SHOP, one), paced_run(SHOP, one, concurrent=False)) == []


def test_an_engine_that_never_claimed_concurrency_holds_nothing_back() -> None:
    assert found(paced_run(SHOP, SEQUENTIAL, concurrent=False)) == []


def test_what_the_control_does_as_well_is_no_mismatch() -> None:
    candidate = paced_run(SHOP, SEQUENTIAL, seed=1)
    assert found(candidate)
    assert found(candidate, paced_run(SHOP, SEQUENTIAL, seed=2)) == []


def test_a_machine_that_sleeps_once_is_no_fault_of_the_engine() -> None:
    awake = paced_run(SHOP, SEQUENTIAL, concurrent=False)

    def slept(times: int) -> RunRecord:
        """`awake` with half a minute more after the sixth call, and again after each of the next."""
        calls = tuple(
            _later(call, 30.0 * min(times, max(0, place - 5))) for place, call in enumerate(awake.calls)
        )
        summary = awake.summary.model_copy(update={"wall_s": awake.summary.wall_s + 30.0 * times})
        return replace(awake, calls=calls, summary=summary)

    assert found(slept(1)) == []
    assert [mismatch.kind for mismatch in found(slept(2))] == [Kind.STALLED]


def _later(call: CallRecord, by_s: float) -> CallRecord:
    times = {name: getattr(call, name) + by_s for name in ("arrival_s", "granted_s", "end_s")}
    return call.model_copy(update=times)


def test_what_the_machine_withheld_is_not_held_against_the_engine() -> None:
    """Slow steps, as before, of a process that waited for a processor all the while."""
    slow = paced_run(SHOP, replace(SEQUENTIAL, step_s=_slow_steps), concurrent=False)
    assert found(using(slow), using(LEGACY))
    withheld_s = slow.summary.wall_s - LEGACY.summary.wall_s
    assert found(using(slow, starved_s=withheld_s), using(LEGACY)) == []


def test_steps_that_are_each_too_short_for_a_stall_add_up() -> None:
    # Red where only what goes beyond ten steps of the control counts.
    slow = paced_run(SHOP, replace(SEQUENTIAL, step_s=lambda _: 0.15), concurrent=False)
    (mismatch,) = found(using(slow), using(LEGACY))
    assert mismatch.path == "each step"
    assert mismatch.sentence.startswith(
        "from the end of a call to the next one it took 0.30 s, the median of 24"
    )


def test_short_runs_say_nothing() -> None:
    """Of calls as short as an engine's own steps nobody can say that they were held back."""
    quick = Pace(at_once=1, took_s=lambda _: 0.01)
    assert found(paced_run(SHOP, quick)) == []


def test_the_pause_before_a_call_is_made_again_is_no_stall() -> None:
    """Both engines pause, longer each time, and keep their place meanwhile."""
    whole = paced_run(TWO, replace(SEQUENTIAL, slots=2))
    calls = []
    for number, call in enumerate(whole.calls):
        again = _later(call, 3.0 * (number + 1))
        first_s = again.arrival_s - 3.0
        refused = {"arrival_s": first_s, "granted_s": first_s, "end_s": first_s + 0.1}
        calls += [call.model_copy(update={**refused, "status": 503, "error": "busy"}), again]
    record = replace(
        whole,
        calls=tuple(calls),
        summary=whole.summary.model_copy(
            update={"wall_s": whole.summary.wall_s + 3.0 * len(whole.calls), "concurrent": False}
        ),
    )
    assert found(record) == []


def test_a_busy_loop_is_told_by_its_processor_time() -> None:
    candidate = paced_run(SHOP)
    busy = using(candidate, cpu_s=candidate.summary.wall_s * 0.9)
    (mismatch,) = found(busy, using(LEGACY, cpu_s=0.2))
    assert mismatch.kind is Kind.BUSY
    assert (mismatch.control, mismatch.candidate) == ("0.20 s", f"{candidate.summary.wall_s * 0.9:.2f} s")
    assert "limit" in mismatch.sentence
    assert found(using(candidate, cpu_s=0.8), using(LEGACY, cpu_s=0.2)) == []
    assert found(busy, using(LEGACY, cpu_s=6.0)) == [], "a slow machine, or much to do: the control shows it"
    assert found(busy) == [], "nothing is known of the control"


LEAKS: dict[str, tuple[dict[str, Any], str]] = {
    "connections": ({"open_sockets": 12}, "the candidate left 12 connections open when its work was done"),
    "one connection": ({"open_sockets": 1}, "left 1 connection open"),
    "files": ({"open_files": 3}, "the candidate left 3 files open"),
    "connections until its end": ({"peak_sockets": 80}, "had 80 connections open at once"),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_told_by_what_is_open(leak: str) -> None:
    opened, words = LEAKS[leak]
    (mismatch,) = found(using(paced_run(SHOP), **opened), using(LEGACY, peak_sockets=1))
    assert mismatch.kind is Kind.LEAKED
    assert words in mismatch.sentence
    leaky = using(LEGACY, **opened)
    assert found(using(paced_run(SHOP), **opened), leaky) == [], "the control does as well"


def test_a_connection_or_more_for_each_slot_is_no_leak() -> None:
    healthy = using(paced_run(SHOP, Pace(slots=16)), peak_sockets=50)
    assert found(healthy, using(LEGACY, peak_sockets=1)) == []
    many = using(healthy, peak_sockets=100)
    assert found(many, using(LEGACY, peak_sockets=1))
    assert found(many, using(LEGACY, peak_sockets=50)) == [], "the control needs many, too"


UNJUDGED: dict[str, dict[str, Any]] = {
    "failed": {"outcome": RunOutcome(status=OutcomeStatus.FAILED)},
    "resumed": {"sittings": 2},
    "external": {"external": ExternalPlace(workdir="/", output="")},
}


@pytest.mark.parametrize("why", UNJUDGED)
def test_of_what_came_to_no_end_of_its_own_nothing_is_said(why: str) -> None:
    serial, control = using(paced_run(SHOP, SEQUENTIAL), open_sockets=1), using(LEGACY)
    assert {mismatch.kind for mismatch in found(serial, control)} == {Kind.HELD_BACK, Kind.LEAKED}
    for judged, other in ((serial, control), (control, serial)):
        changed = judged.summary.model_copy(update=UNJUDGED[why])
        unjudged = replace(judged, summary=changed)
        assert found(*((unjudged, other) if judged is serial else (other, unjudged))) == []


def test_without_a_plan_nobody_knows_what_was_ready() -> None:
    serial = paced_run(SHOP, SEQUENTIAL)
    assert found(serial)
    assert found(replace(serial, blackboard=None)) == []


def test_of_a_replay_at_once_only_leaks_are_told() -> None:
    serial = using(paced_run(SHOP, SEQUENTIAL), open_sockets=1, cpu_s=100.0)
    at_once = serial.summary.model.model_copy(update={"time_scale": 0.0})
    replayed = replace(serial, summary=serial.summary.model_copy(update={"model": at_once}))
    assert {m.kind for m in found(serial, using(LEGACY))} == {Kind.BUSY, Kind.LEAKED}
    assert [m.kind for m in found(replayed, using(LEGACY))] == [Kind.LEAKED]
