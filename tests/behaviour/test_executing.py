"""Two runs are executed alike; what they did is on their records and in their folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.conversation import Cause
from harness.behaviour import ExecuteSettings, execute_pair, ready_to_execute, with_behaviour
from harness.compare import Severity
from harness.compare.behaviour import compare_behaviour
from harness.errors import BadInputError
from harness.record import BehaviourRecord, OutcomeStatus, RunStore
from harness.sandbox import Sandbox
from tests.behaviour.applications import PROGRAM, SHOP
from tests.compare.records import make_failure, make_record


async def test_applications_that_differ_in_one_answer_differ_in_that_alone(
    tmp_path: Path, settings: ExecuteSettings, sandbox: Sandbox
) -> None:
    """Routes of either are asked of both; what the application says anew each time is no difference."""
    items = SHOP["items.py"].replace("abort(404)", "abort(410)") + (
        '\n@items_bp.get("/more")\ndef more():\n    return "more"\n'
    )
    store = RunStore(tmp_path)
    records = [
        make_record(store.folder("control"), files=SHOP),
        make_record(store.folder("candidate"), files={**SHOP, "items.py": items}),
    ]
    for record in records:
        store.save(record)
    told: list[str] = []

    control, candidate = await execute_pair(*records, settings, told.append, sandbox=sandbox)

    found = [
        (mismatch.sentence.split(" (")[0], mismatch.severity)
        for mismatch in compare_behaviour(control, candidate)
    ]
    assert found == [
        ("GET /items/1 answers 410", Severity.BREAKING),
        ("GET /items/more answers 200 instead of 404", Severity.BREAKING),
        ("GET /items/more answers 200 instead of 404", Severity.BREAKING),
    ]
    assert [store.load(name).behaviour for name in ("control", "candidate")] == [
        control.behaviour,
        candidate.behaviour,
    ]
    assert [line.partition(" in a sandbox")[0] for line in told] == [
        "executing the application of the control",
        "executing the application of the candidate",
    ]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"allow": ("./flask",)}, "is not the name of a package"),
        ({"environment": Path("none")}, "no environment"),
    ],
    ids=["allow", "environment"],
)
async def test_settings_that_cannot_be_used_are_refused_before_anything_is_run(
    given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BadInputError, match=problem):
        await ready_to_execute(ExecuteSettings(**given))


async def test_a_run_that_failed_is_not_executed(
    tmp_path: Path, settings: ExecuteSettings, sandbox: Sandbox
) -> None:
    failed = make_record(tmp_path / "a", files=PROGRAM, failures=[make_failure(Cause.ENGINE)])
    whole = make_record(tmp_path / "b", files=PROGRAM)

    control, candidate = await execute_pair(failed, whole, settings, sandbox=sandbox)

    assert control is failed
    assert candidate.behaviour is not None
    assert candidate.behaviour.started


def test_an_application_that_does_not_start_is_a_defect_until_it_does(tmp_path: Path) -> None:
    record = make_record(tmp_path / "run", defects=["a.py is empty"])
    broken = BehaviourRecord(sandbox="namespaces", started=False, reason="it hangs")

    once = with_behaviour(with_behaviour(record, broken), broken)
    mended = with_behaviour(once, mended_of(broken))

    defects = ("a.py is empty", "the application does not start: it hangs")
    assert (once.summary.outcome.defects, once.summary.outcome.status) == (defects, OutcomeStatus.BROKEN)
    assert mended.summary.outcome.defects == ("a.py is empty",)
    bare = with_behaviour(replace(make_record(tmp_path / "bare")), mended_of(broken))
    assert bare.summary.outcome.status is OutcomeStatus.FINISHED


def mended_of(behaviour: BehaviourRecord) -> BehaviourRecord:
    return behaviour.model_copy(update={"started": True, "reason": None})
