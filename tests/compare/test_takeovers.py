"""Runs by workers in which one took a task over from another, beside a control of one process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.build import EventKind, TaskEvent
from harness.compare import Comparison, compare
from harness.gateway.calls import CLIENT_GONE, CallRecord
from harness.record import RunRecord
from harness.record.taken_over import begun_again, taken_over
from harness.spec import Spec
from tests.compare.records import board, make_call, make_event, make_record

STARTED, ENDED = EventKind.TASK_STARTED, EventKind.TASK_COMPLETED
WORKERS = {"executor": "workers"}

# What the tasks of Cart ask, in their order: the review sends its developer back once.
PLAN = make_call("analyst", None, content="Plan it.", response="A plan.")
AUDIT = make_call("auditor", None, content="Audit it.", response="Good.")
WRITE = make_call("developer", content="Write it.", response="One.")
REVIEW = make_call("reviewer", content="Review one.", response="Change it.")
REVISE = make_call("developer", attempt=2, content="Change it.", response="Two.")
REVIEW_AGAIN = make_call("reviewer", content="Review two.", response="Good.")
CALLS = (PLAN, AUDIT, WRITE, REVIEW, REVISE, REVIEW_AGAIN)
TASKS = ("analyst", "auditor", "developer:Cart", "reviewer:Cart")


def begun(task: str, takeovers: int = 0) -> TaskEvent:
    """It begins at a worker, before whom so many had been given it."""
    return replace(make_event(STARTED, task), takeovers=takeovers)


def told(
    again: Sequence[str] = (), late: Sequence[str] = (), silent: Sequence[str] = (), twice: Sequence[str] = ()
) -> list[TaskEvent]:
    """The events of the build.

    Tasks of `again` are taken over and begun anew before they end, those of `late` after it; those of
    `silent` are taken over from a worker that had not said that they begin; those of `twice` begin twice
    although nobody took them over.
    """
    events = [make_event(EventKind.BUILD_STARTED, "")]
    for task in TASKS:
        first = silent.count(task)
        last = first + again.count(task)
        events += [begun(task, takeovers) for takeovers in range(first, last + 1)]
        events += [begun(task)] * twice.count(task)
        events += [make_event(ENDED, task), *[begun(task, last + 1)] * late.count(task)]
    return [*events, make_event(EventKind.BUILD_FINISHED, "")]


def attempts(calls: Iterable[CallRecord]) -> list[dict[str, Any]]:
    return [
        {
            "agent": call.role,
            "module": call.module,
            "attempt_number": call.attempt,
            "timestamp": "2024-05-01T10:00:00+00:00",
            "input": call.request.messages[-1].content,
            "output": "" if call.error else call.response,
            "status": "error" if call.error else "ok",
            "error": call.error,
        }
        for call in calls
    ]


def record(
    folder: Path,
    calls: Sequence[CallRecord],
    events: Sequence[TaskEvent],
    flags: dict[str, str],
    effect: Sequence[CallRecord],
) -> RunRecord:
    in_order = [
        call.model_copy(update={"number": number, "arrival_s": 0.1 * number, "end_s": 0.1 * number + 0.1})
        for number, call in enumerate(calls, 1)
    ]
    made = make_record(
        folder, calls=in_order, events=events, blackboard=board(agent_attempts=attempts(effect))
    )
    return replace(made, summary=made.summary.model_copy(update={"composition": flags}))


def compared(
    folder: Path,
    calls: Sequence[CallRecord],
    events: Sequence[TaskEvent],
    *,
    flags: dict[str, str] = WORKERS,
    effect: Sequence[CallRecord] = CALLS,
    expect: dict[str, Any] | None = None,
) -> Comparison:
    """A run with the given calls and events, of which `effect` is noted down, beside a plain one."""
    spec = Spec.model_validate({"name": "shop", "idea": "a shop", "expect": expect or {}})
    control = record(folder / "control", effect, told(), {}, effect)
    return compare(spec, control, record(folder / "candidate", calls, events, flags, effect))


def sentences(comparison: Comparison) -> list[str]:
    return [mismatch.sentence for mismatch in comparison.mismatches]


def cut(call: CallRecord) -> CallRecord:
    """`call` as the gateway has it of a worker that died over it."""
    return call.model_copy(update={"status": CLIENT_GONE, "error": "the caller went away", "response": "O"})


TAKEOVERS: dict[str, tuple[Sequence[CallRecord], Sequence[TaskEvent], int]] = {
    "a worker dies before it has asked": (CALLS, told(["developer:Cart"]), 0),
    "a worker dies before it has said that it begins": (CALLS, told(silent=["developer:Cart"]), 0),
    "two workers die, and one of them before it has said that it begins": (
        (PLAN, AUDIT, cut(WRITE), WRITE, REVIEW, REVISE, REVIEW_AGAIN),
        told(["developer:Cart"], silent=["developer:Cart"]),
        1,
    ),
    "a worker dies while it is answered": (
        (PLAN, AUDIT, cut(WRITE), WRITE, REVIEW, REVISE, REVIEW_AGAIN),
        told(["developer:Cart"]),
        1,
    ),
    "a worker dies in the midst of a task that asks two roles": (
        (PLAN, AUDIT, WRITE, REVIEW, cut(REVISE), REVIEW, REVISE, REVIEW_AGAIN),
        told(["reviewer:Cart"]),
        2,
    ),
    "two takeovers of one task": (
        (PLAN, AUDIT, WRITE, cut(WRITE), WRITE, WRITE, REVIEW, REVISE, REVIEW_AGAIN),
        told(["developer:Cart"] * 2),
        3,
    ),
    "takeovers of two tasks": (
        (PLAN, PLAN, AUDIT, WRITE, WRITE, REVIEW, REVISE, REVIEW_AGAIN),
        told(["analyst", "developer:Cart"]),
        2,
    ),
    "the slow first one wins, and the second is under way when all is over": (
        (PLAN, AUDIT, WRITE, REVIEW, REVISE, REVIEW, REVIEW_AGAIN, REVISE, cut(REVIEW_AGAIN)),
        told(["reviewer:Cart"]),
        3,
    ),
    "another one begins after the end": (CALLS, told(late=["reviewer:Cart"]), 0),
    "the one that was given up was answered otherwise, and asked on": (
        (
            *(PLAN, AUDIT, WRITE.model_copy(update={"response": "No."})),
            *(make_call("developer", attempt=2, content="Not so."), WRITE, REVIEW, REVISE, REVIEW_AGAIN),
        ),
        told(["developer:Cart"]),
        2,
    ),
}


@pytest.mark.parametrize(("calls", "events", "aside"), TAKEOVERS.values(), ids=TAKEOVERS)
def test_what_another_worker_took_over_makes_no_difference(
    calls: Sequence[CallRecord], events: Sequence[TaskEvent], aside: int, tmp_path: Path
) -> None:
    comparison = compared(tmp_path, calls, events)
    assert sentences(comparison) == []
    assert comparison.verdict.status == "PASS"
    counted = {rule.rule: (rule.control, rule.candidate) for rule in comparison.normalisation}
    assert counted.get("taken-over", (0, 0)) == (0, aside)
    assert "6 calls" in comparison.verdict.reasons[0]
    assert len(comparison.candidate.timeline) == len(calls)
    # None tells of a model that failed: whoever asked was gone.
    assert len(comparison.notes) == 1


def test_how_much_was_put_aside_is_said_and_times_are_not_judged(tmp_path: Path) -> None:
    calls, events, _ = TAKEOVERS["takeovers of two tasks"]
    comparison = compared(tmp_path, calls, events, expect={"min_speedup": 100})
    (said,) = comparison.notes
    assert said == (
        "the candidate was built by workers, and put aside before comparing: 2 calls of 2 tasks that another "
        "worker took over; its times are not judged"
    )
    (speedup,) = comparison.expectations
    assert (speedup.status, speedup.sentence) == (
        "not judged",
        "speed-up of at least 100: 2 tasks of the candidate were taken over",
    )
    timing = next(layer for layer in comparison.layers if layer.layer == "timing")
    assert (timing.seen, timing.compared) == (False, "tasks of the candidate were taken over")


def test_one_that_says_nothing_of_a_task_that_is_taken_from_it_is_said_too(tmp_path: Path) -> None:
    """The time that nobody had the task is no stall of the engine."""
    comparison = compared(tmp_path, CALLS, told(silent=["developer:Cart"]))
    (said,) = comparison.notes
    assert "0 calls of 1 task that another worker took over; its times are not judged" in said
    timing = next(layer for layer in comparison.layers if layer.layer == "timing")
    assert (timing.seen, timing.compared) == (False, "tasks of the candidate were taken over")


def test_whoever_resumes_a_build_gives_its_tasks_out_anew() -> None:
    resumed = make_event(EventKind.BUILD_RESUMED, "")
    cut_off = [begun("developer:Cart"), resumed, begun("developer:Cart"), make_event(ENDED)]
    assert begun_again(WORKERS, cut_off) == {"developer:Cart": 1}
    assert begun_again(WORKERS, [resumed, begun("developer:Cart"), make_event(ENDED)]) == {}
    assert begun_again(WORKERS, [resumed, *cut_off[:1], *cut_off[2:]]) == {}


WRITTEN_TWICE = (PLAN, AUDIT, WRITE, WRITE, REVIEW, REVISE, REVIEW_AGAIN)
ASKED_TWICE = "the developer of Cart was asked twice instead of once"

FAULTS: dict[str, tuple[Sequence[CallRecord], Sequence[TaskEvent], str]] = {
    "asked twice without a takeover": (WRITTEN_TWICE, told(), ASKED_TWICE),
    "asked twice beside a takeover of another task": (WRITTEN_TWICE, told(["analyst"]), ASKED_TWICE),
    "asked twice beside a takeover of the task that asks this role again": (
        WRITTEN_TWICE,
        told(["reviewer:Cart"]),
        ASKED_TWICE,
    ),
    "asked again twice beside a takeover of the role's own task": (
        (PLAN, AUDIT, WRITE, REVIEW, REVISE, REVISE, REVIEW_AGAIN),
        told(["developer:Cart"]),
        "the developer of Cart (attempt 2) was asked twice instead of once",
    ),
    "asked twice beside a takeover of that task which went astray": (
        (PLAN, AUDIT, WRITE, REVIEW.model_copy(update={"response": "No."}), WRITE, *CALLS[3:]),
        told(["reviewer:Cart"]),
        ASKED_TWICE,
    ),
    "asked more often than it was begun": (
        (PLAN, AUDIT, WRITE, WRITE, WRITE, REVIEW, REVISE, REVIEW_AGAIN),
        told(["developer:Cart"]),
        ASKED_TWICE,
    ),
    "something else is asked beside a takeover": (
        (*CALLS, make_call("developer", attempt=3, content="Something else.")),
        told(["developer:Cart", "reviewer:Cart"]),
        "only the candidate asked the developer of Cart (attempt 3)",
    ),
    "it begins twice although nobody took it over": (
        CALLS,
        told(twice=["developer:Cart"]),
        "TASK_STARTED developer:Cart was announced 2 times instead of 1",
    ),
    "it is asked all over again although nobody took it over": (
        WRITTEN_TWICE,
        told(twice=["developer:Cart"]),
        ASKED_TWICE,
    ),
    "whoever takes it over begins twice": (
        CALLS,
        [each for event in told(["developer:Cart"]) for each in [event] * (1 + (event.takeovers > 0))],
        "TASK_STARTED developer:Cart was announced 3 times instead of 1",
    ),
    "it is begun twice beside a takeover": (
        CALLS,
        told(["developer:Cart"], twice=["developer:Cart"]),
        "TASK_STARTED developer:Cart was announced 3 times instead of 1",
    ),
    "it ends twice": (
        CALLS,
        [*told(["developer:Cart"]), make_event(ENDED)],
        "TASK_STARTED developer:Cart was announced 2 times instead of 1",
    ),
    "it is begun twice and never ends": (
        CALLS,
        [event for event in told(["developer:Cart"]) if str(event) != f"{ENDED} developer:Cart"],
        "TASK_STARTED developer:Cart was announced 2 times instead of 1",
    ),
}


@pytest.mark.parametrize(("calls", "events", "sentence"), FAULTS.values(), ids=FAULTS)
def test_what_no_takeover_explains_is_a_mismatch(
    calls: Sequence[CallRecord], events: Sequence[TaskEvent], sentence: str, tmp_path: Path
) -> None:
    assert sentence in sentences(compared(tmp_path, calls, events))


@pytest.mark.parametrize("flags", [{}, {"executor": "local"}])
def test_without_workers_nothing_is_taken_over(flags: dict[str, str], tmp_path: Path) -> None:
    found = sentences(compared(tmp_path, WRITTEN_TWICE, told(["developer:Cart"]), flags=flags))
    assert ASKED_TWICE in found
    assert "TASK_STARTED developer:Cart was announced 2 times instead of 1" in found


def test_what_is_noted_down_twice_had_its_effect_twice(tmp_path: Path) -> None:
    """An engine that asks twice within one execution, and says so, is not excused by a takeover."""
    control = record(tmp_path / "control", CALLS, told(), {}, CALLS)
    candidate = record(
        tmp_path / "candidate", WRITTEN_TWICE, told(["developer:Cart"]), WORKERS, WRITTEN_TWICE
    )
    found = compare(Spec(name="shop", idea="a shop"), control, candidate)
    assert ASKED_TWICE in sentences(found)


def test_failures_that_were_noted_down_stay_and_those_of_the_dead_go() -> None:
    failed = WRITE.model_copy(update={"status": 503, "error": "busy", "response": ""})
    calls = (cut(WRITE), failed, WRITE)
    events = [begun("developer:Cart"), begun("developer:Cart", 1), make_event(ENDED)]
    found = taken_over(WORKERS, calls, events, attempts((failed, WRITE)))
    assert (found.calls, found.put_aside) == ((failed, WRITE), 1)
    assert [event.kind for event in found.events] == [STARTED, ENDED]


@pytest.mark.parametrize("unreadable", [None, {}, [None, {}, {"agent": 1}]])
def test_without_attempts_no_call_is_explained(unreadable: object) -> None:
    events = [begun("developer:Cart"), begun("developer:Cart", 1), make_event(ENDED)]
    assert taken_over(WORKERS, (WRITE, WRITE), events, unreadable).calls == (WRITE, WRITE)
