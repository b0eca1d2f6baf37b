"""The timing of a run: sums, bounds, the critical path, and what is named as the limit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.compare.timing import TimingFacts, limit_of, timing_facts
from harness.gateway.calls import CallRecord
from harness.record import EngineResources, RunRecord
from tests.compare.records import make_call, make_record

BASE = make_record(Path("/nowhere"), files={})


def record(*calls: CallRecord, slots: int = 4, wall_s: float = 10.0) -> RunRecord:
    summary = BASE.summary.model_copy(update={"slots": slots, "wall_s": wall_s})
    return RunRecord(summary, calls, (), BASE.blackboard, BASE.folder)


def spanning(module: str | None, granted_s: float | None, end_s: float) -> CallRecord:
    return make_call("developer", module, arrival_s=-1.0, granted_s=granted_s, end_s=end_s)


def test_sums_and_bounds_of_a_run() -> None:
    facts = timing_facts(
        record(
            make_call("auditor", None, arrival_s=0.0, granted_s=0.0, end_s=2.0),
            make_call("developer", "Cart", arrival_s=2.0, granted_s=2.5, end_s=6.5),
            make_call("developer", "Users", arrival_s=2.0, granted_s=2.0, end_s=5.0),
            make_call("developer", "Pages", arrival_s=2.0, granted_s=5.0, end_s=8.0),
            slots=2,
        )
    )
    assert (facts.calls, facts.prompt_tokens, facts.output_tokens) == (4, 40, 80)
    assert (facts.wall_s, facts.startup_s, facts.work_s, facts.queued_s) == (10, 0.5, 12, 3.5)
    assert facts.idle_s == 2
    assert (facts.critical_path_s, facts.work_over_slots_s, facts.lower_bound_s) == (6, 6, 6)
    assert facts.list_schedule_s == 8
    assert [(call.place, call.role, call.module) for call in facts.critical_path] == [
        (0, "auditor", None),
        (1, "developer", "Cart"),
    ]
    assert sum(call.generating_s for call in facts.critical_path) == facts.critical_path_s
    assert (facts.efficiency, facts.over_list_schedule) == (0.6, 1.25)


def test_a_run_without_calls_has_no_bounds_and_divides_by_nothing() -> None:
    facts = timing_facts(record(wall_s=0.0))
    others = {"startup_s", "slots", "sittings", "critical_path", "ttft_s", "cpu_s"}
    names = {*TimingFacts.model_fields, *TimingFacts.model_computed_fields} - others
    assert facts.model_dump(exclude=others) == dict.fromkeys(names, 0)
    assert (facts.critical_path, facts.ttft_s, facts.cpu_s) == ((), None, None)
    assert "nothing was generated" in limit_of(facts).sentence
    assert timing_facts(record(wall_s=3.0)).idle_s == 3


def test_the_times_of_a_resumed_run_name_no_limit() -> None:
    once = timing_facts(record(make_call(end_s=8.0)))
    assert "is the limit" in limit_of(once).sentence
    resumed = limit_of(once.model_copy(update={"sittings": 2}))
    assert resumed.sentence == "nothing can be said of a limit: the run was resumed, and took 2 sittings"
    assert not resumed.by_slots


def test_a_call_that_never_got_a_slot_only_queued() -> None:
    facts = timing_facts(record(make_call(arrival_s=1.0, granted_s=None, end_s=4.0)))
    assert (facts.work_s, facts.queued_s, facts.idle_s, facts.lower_bound_s) == (0, 3, 10, 0)


def test_the_time_to_the_first_token_is_the_median_of_what_was_answered() -> None:
    """From the slot, not from the arrival: how long it queued is told apart."""
    calls = [
        make_call(arrival_s=0.0, granted_s=1.0, end_s=9.0).model_copy(update={"first_byte_s": first_s})
        for first_s in (1.5, 1.25, 8.0, None)
    ]
    assert timing_facts(record(*calls)).ttft_s == 0.5


def test_processor_time_is_what_the_engine_measured() -> None:
    used = EngineResources(cpu_s=1.5, peak_rss=1, open_sockets=0, open_files=0)
    whole = record()
    measured = replace(whole, summary=whole.summary.model_copy(update={"resources": used}))
    assert timing_facts(measured).cpu_s == 1.5


def test_only_what_lies_within_the_run_fills_its_time() -> None:
    """A call from before the begin, or one that outlived the end, must not hide idle time."""
    facts = timing_facts(record(spanning("Cart", -5.0, 1.0), spanning("Users", 9.0, 30.0)))
    assert facts.idle_s == 8


def facts(
    wall_s: float, work_s: float, path_s: float, slots: int, *, schedule_s: float = 0.0, idle_s: float = 0.0
) -> TimingFacts:
    bound_s = max(path_s, work_s / slots)
    return TimingFacts(
        wall_s=wall_s,
        startup_s=0,
        calls=1,
        prompt_tokens=0,
        output_tokens=0,
        work_s=work_s,
        queued_s=0,
        ttft_s=None,
        idle_s=idle_s,
        slots=slots,
        critical_path_s=path_s,
        critical_path=(),
        work_over_slots_s=work_s / slots,
        lower_bound_s=bound_s,
        list_schedule_s=schedule_s or bound_s,
        cpu_s=None,
    )


LIMITS = {
    "one slot": (
        facts(41, 40, 8, 1),
        True,
        "the model is the limit, not the engine: 40.00 s of generating on 1 slot take at least 40.00 s; with "
        "more slots the same calls could take 8.00 s (5.0 times faster)",
    ),
    "one slot and a slow engine": (
        facts(100, 40, 8, 1, idle_s=60),
        True,
        "(5.0 times faster); beside that, the engine itself took 60.00 s",
    ),
    "few slots": (facts(13, 40, 8, 4), True, "40.00 s of generating on 4 slots take at least 10.00 s"),
    "the chain": (
        facts(9, 20, 8, 4),
        False,
        "the chain of what needs what is the limit: 8.00 s however many slots; 4 slots could do the work in "
        "5.00 s",
    ),
    "a chain on one slot": (
        facts(9, 8.000000000000002, 8, 1),
        False,
        "the chain of what needs what is the limit",
    ),
    "a sequential engine": (
        facts(40, 40, 8, 4, schedule_s=12.5),
        False,
        "the engine is the limit, not the model: it took 40.00 s, and the same calls fit into 12.50 s on 4 "
        "slots (3.2 times faster)",
    ),
    "a slow engine on a chain": (facts(40, 8, 8, 4), False, "the engine is the limit, not the model"),
}


@pytest.mark.parametrize("case", LIMITS)
def test_the_limit_is_the_slots_the_chain_or_the_engine(case: str) -> None:
    """An engine that leaves slots empty may not put it down to the model."""
    seen, by_slots, words = LIMITS[case]
    limit = limit_of(seen)
    assert limit.by_slots is by_slots
    assert words in limit.sentence
