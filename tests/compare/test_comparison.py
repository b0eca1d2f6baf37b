"""Whole comparisons: the two real engines, rehearsed with a scripted model, the candidate broken or not."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from agents.conversation import Cause, ModelRequest
from agents.roles import Role
from async_arch.composition import Orchestration
from harness.compare import Kind, Layer, Status, compare
from harness.compare.verdict import exit_code
from harness.record import OutcomeStatus, RunRecord
from tests.compare.breakages import BREAKAGES
from tests.compare.conftest import Rehearse
from tests.compare.records import board, make_call, make_failure, make_record
from tests.compare.rehearsal import (
    SHOP,
    Messages,
    Parts,
    ScriptedModel,
    rehearse_candidate,
    rehearse_control,
)


def test_engines_that_do_the_same_are_equal(control: RunRecord, rehearse: Rehearse) -> None:
    comparison = compare(SHOP, control, rehearse())
    assert comparison.mismatches == ()
    assert comparison.verdict.status is Status.PASS, comparison.verdict.reasons
    assert [layer.layer for layer in comparison.layers] == [
        layer for layer in Layer if layer is not Layer.BEHAVIOUR
    ]
    assert "27 calls, 9 files" in comparison.verdict.reasons[0]
    assert comparison.speedup == control.summary.wall_s / comparison.candidate.timing.wall_s > 1


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_the_order_in_which_tasks_come_to_their_end_makes_no_difference(
    control: RunRecord, rehearse: Rehearse, slots: int
) -> None:
    """Each seed makes the calls take other times, so that they end and write in another order."""
    orders = set()
    for seed in range(6):
        candidate = rehearse(slots=slots, seed=seed)
        orders.add(tuple(sorted((call.end_s, call.role, call.module) for call in candidate.calls)))
        assert compare(SHOP, control, candidate).mismatches == ()
    assert len(orders) == 6


def test_concurrency_is_seen_in_the_timing(control: RunRecord, rehearse: Rehearse) -> None:
    sequential = rehearse(Parts(orchestration=Orchestration.SEQUENTIAL))
    concurrent = compare(SHOP, control, rehearse())
    assert concurrent.candidate_overlaps[0].together_s > 0
    assert concurrent.control_overlaps[0].together_s == 0
    assert compare(SHOP, control, sequential).candidate_overlaps[0].together_s == 0


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_engine_fails_and_the_cause_is_named_first(
    name: str, control: RunRecord, rehearse: Rehearse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows from the cause must neither stand before it nor be taken for a cause of its own."""
    breakage = BREAKAGES[name]
    for target, patch in breakage.patches.items():
        monkeypatch.setattr(target, patch)
    comparison = compare(SHOP, control, rehearse(breakage.parts))
    assert comparison.verdict.status is Status.FAIL
    assert exit_code(comparison.verdict.status) == 1
    first = next(mismatch for mismatch in comparison.mismatches if not mismatch.follows)
    assert (first.layer, first.kind) == (breakage.layer, breakage.kind), first.sentence
    for words in breakage.words:
        assert words in first.sentence
        assert words in comparison.verdict.reasons[0]


def test_one_cause_makes_one_reason(control: RunRecord, rehearse: Rehearse) -> None:
    """A line left out for one module is one reason, however much comes of it."""
    comparison = compare(SHOP, control, rehearse(BREAKAGES["omits a line of a prompt"].parts))
    assert len(comparison.mismatches) > 5
    assert len(comparison.verdict.reasons) == 1


class _OtherWords(ScriptedModel):
    """A model that says something else when it is asked again."""

    def answer(self, request: ModelRequest, messages: Messages) -> str:
        return super().answer(request, messages).replace("summary: planned", "summary: thought up")


def test_other_answers_to_the_same_request_are_nobodys_fault(control: RunRecord, rehearse: Rehearse) -> None:
    comparison = compare(SHOP, control, rehearse(Parts(model=_OtherWords())))
    assert comparison.verdict.status is Status.INCONCLUSIVE
    (root,) = [mismatch for mismatch in comparison.mismatches if not mismatch.follows]
    assert root.kind is Kind.ANSWER_DRIFT
    assert len(comparison.mismatches) > 50
    assert "1 equal request differently" in comparison.verdict.reasons[0]


def test_a_module_that_the_model_planned_once_only_is_no_module_lost(tmp_path: Path) -> None:
    """What comes of another answer is as little an engine's fault as the answer."""
    anything = SHOP.model_copy(update={"modules": ()})
    fewer = SHOP.model_copy(update={"modules": tuple(m for m in SHOP.modules if m.name != "Reports")})
    control = rehearse_control(tmp_path / "control", anything)
    candidate = rehearse_candidate(tmp_path / "candidate", anything, Parts(model=ScriptedModel(fewer)))
    comparison = compare(anything, control, candidate)
    assert "the candidate asked nothing for module Reports" in str(comparison.mismatches)
    assert comparison.verdict.status is Status.INCONCLUSIVE
    # Four of five modules is what the model planned.
    assert {e.key: e.status for e in comparison.expectations}["modules"] == "not judged"


def test_an_engine_that_breaks_is_not_excused_by_other_answers(
    control: RunRecord, rehearse: Rehearse
) -> None:
    broken = replace(BREAKAGES["breaks in one task"].parts, model=_OtherWords())
    verdict = compare(SHOP, control, rehearse(broken)).verdict
    assert verdict.status is Status.FAIL
    assert "the optimizer tripped" in verdict.reasons[0]


class _Nonsense(ScriptedModel):
    """A model whose developer of Orders cannot be used."""

    def answer(self, request: ModelRequest, messages: Messages) -> str:
        if (request.role, request.module) == (Role.DEVELOPER, "Orders"):
            return "I would rather not."
        return super().answer(request, messages)


def test_two_that_fail_alike_are_not_equal_but_an_error(tmp_path: Path, rehearse: Rehearse) -> None:
    control = rehearse_control(tmp_path / "control", model=_Nonsense())
    comparison = compare(SHOP, control, rehearse(Parts(model=_Nonsense())))
    assert comparison.mismatches == ()
    assert comparison.verdict.status is Status.ERROR
    assert "failed at developer:Orders: no usable answer in 3 attempts" in comparison.verdict.reasons[0]


def test_two_that_fail_alike_can_still_differ(tmp_path: Path, rehearse: Rehearse) -> None:
    control = rehearse_control(tmp_path / "control", model=_Nonsense())
    broken = replace(BREAKAGES["loses a log entry"].parts, model=_Nonsense())
    verdict = compare(SHOP, control, rehearse(broken)).verdict
    assert verdict.status is Status.FAIL
    assert "logs[info the plan was approved]" in verdict.reasons[0]


def test_a_candidate_that_never_ends_fails_for_that_and_not_for_what_is_missing(
    control: RunRecord, rehearse: Rehearse
) -> None:
    """Cut off in the middle, it left out calls, files, events and the blackboard: all that follows."""
    whole = rehearse()
    late = make_failure(Cause.DEADLINE, "engine", "not finished within 5 s")
    outcome = whole.summary.outcome.model_copy(update={"status": OutcomeStatus.FAILED, "failures": (late,)})
    cut = replace(
        whole,
        summary=whole.summary.model_copy(update={"outcome": outcome, "files": {}, "wall_s": 5.0}),
        calls=tuple(call for call in whole.calls if call.end_s < 5),
        events=whole.events[:10],
        blackboard=None,
    )
    comparison = compare(SHOP, control, cut)
    assert comparison.verdict.status is Status.FAIL
    assert comparison.verdict.reasons == (
        "engine failed in the candidate only: not finished within 5 s (cause: deadline)",
    )
    assert all(layer.mismatches for layer in comparison.layers if layer.layer is not Layer.TIMING)


def test_one_lost_file_is_told_by_the_file_and_not_by_the_defect_it_makes(tmp_path: Path) -> None:
    """The defect is found by looking at the files: it follows from what the files layer says."""
    lost = {"users.py": "USERS = []\n", "cart.py": "CART = []\n"}
    comparison = compare(
        SHOP,
        make_record(tmp_path / "control"),
        make_record(
            tmp_path / "candidate", files=lost, defects=["main.py is listed in the blackboard and missing"]
        ),
    )
    roots = [m for m in comparison.mismatches if not m.follows]
    assert [(m.layer, m.path) for m in roots] == [(Layer.FILES, "main.py")]


def test_big_records_are_compared_in_seconds(tmp_path: Path) -> None:
    """Two hundred modules, three thousand calls, and every prompt, attempt and log entry another."""
    names = [f"Module{i}" for i in range(200)]
    modules = [
        {"name": n, "filename": f"{n.lower()}.py", "module_type": "service", "requires": names[i - 1 : i]}
        for i, n in enumerate(names)
    ]
    text = "\n".join(f"line {i} of many" for i in range(60))

    def big(folder: Path, word: str) -> RunRecord:
        calls = [
            make_call(
                "developer", name, 1 + i, content=f"{word} {i}\n{text}", response=f"{word}\n{text}", number=1
            )
            for name in names
            for i in range(17)
        ]
        attempts = [
            {
                "agent": "developer",
                "module": n,
                "attempt_number": i,
                "input": f"{word}\n{text}",
                "output": text,
            }
            for n in names
            for i in range(17)
        ]
        whole = board(
            architecture={"modules": modules},
            modules={name: {"filename": name, "spec": word} for name in names},
            agent_attempts=attempts,
            logs=[{"level": "info", "message": f"{word} {i}"} for i in range(2000)],
        )
        return make_record(folder, calls=calls, blackboard=whole)

    before, after = big(tmp_path / "a", "one"), big(tmp_path / "b", "two")
    began = time.process_time()
    comparison = compare(SHOP, before, after)
    took_s = time.process_time() - began
    assert len(comparison.mismatches) > 6000
    assert took_s < 20, "quadratic work would take minutes"
