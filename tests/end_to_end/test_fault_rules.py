"""Every kind of fault against both engines: no hang, no empty file, and the record says what became of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.compare import Status, compare
from harness.engines.finding import find_engine
from harness.errors import BadInputError
from harness.gateway.settings import SimulateSettings
from harness.record import RunRecord
from harness.session import SessionSettings, open_session
from harness.spec import Spec
from tests.end_to_end.in_process_engine import InProcessEngine

pytestmark = pytest.mark.usefixtures("forked_processes")

KINDS = {
    "Error": "500",
    "Busy": "503",
    "Hang": "hang",
    "Cut": "cut",
    "Garbage": "garbage",
    "Empty": "empty",
    "Slow": "slow:3x",
    "Once": "500",
}
FAST = SimulateSettings(ttft_s=0.001, tokens_per_s=50_000)
HARMLESS = {"Slow", "Once"}
RULES = tuple(
    f"role=architect,module={name}{',times=1' if name == 'Once' else ''}:{kind}"
    for name, kind in KINDS.items()
)

SPEC = Spec.model_validate(
    {
        "name": "faults",
        "idea": "Lists of things.",
        "modules": [
            {"name": name, "module_type": "data", "description": f"A list of {name}"} for name in KINDS
        ],
    }
)


@pytest.fixture
async def runs(tmp_path: Path) -> tuple[RunRecord, RunRecord]:
    settings = SessionSettings(
        model="simulated",
        simulated=FAST,
        faults=RULES,
        call_timeout_s=2,
        deadline_s=40,
        store=tmp_path,
    )
    async with open_session(settings, needs_redis=True) as session:
        return (
            await session.run(SPEC, find_engine("legacy"), lambda _: None),
            await session.run(SPEC, find_engine("async"), lambda _: None),
        )


async def test_both_engines_take_every_fault_alike(runs: tuple[RunRecord, RunRecord]) -> None:
    for record in runs:
        failed = {failure.task for failure in record.summary.outcome.failures}
        assert failed == {f"architect:{name}" for name in KINDS if name not in HARMLESS}
        assert {"slow.py", "once.py"} <= record.summary.files.keys()
        assert all(facts.size for facts in record.summary.files.values())
        assert "Traceback" not in (record.folder / "engine.log").read_text()
        assert {call.fault for call in record.calls if call.fault} == set(RULES)
        assert record.summary.faults == RULES
        tries = Counter(call.module for call in record.calls if call.role == "architect")
        assert tries == Counter(Error=4, Busy=4, Cut=4, Hang=1, Garbage=1, Empty=3, Slow=1, Once=2)
    comparison = compare(SPEC, *runs)
    assert comparison.mismatches == ()
    notes = "\n".join(comparison.notes)
    for side in ("control", "candidate"):
        assert (
            f"{side}: the architect of Slow: role=architect,module=Slow:slow:3x; answered all the same"
            in notes
        )
        assert f"{side}: the architect of Hang: role=architect,module=Hang:hang; not asked again" in notes


async def test_a_rule_that_is_none_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="--fault: fault rule '501': '501' is no kind of fault"):
        async with open_session(
            SessionSettings(model="simulated", faults=("501",), store=tmp_path), needs_redis=False
        ):
            pass


async def test_what_passed_when_asked_again_is_a_note_and_no_mismatch(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"modules": SPEC.modules[:1]})
    runs = []
    for engine, faults in (
        ("legacy", ()),
        ("async", ("role=developer,times=1:500", "role=reviewer,times=1:cut")),
    ):
        settings = SessionSettings(model="simulated", simulated=FAST, faults=faults, store=tmp_path)
        async with open_session(settings, needs_redis=True) as session:
            runs.append(await session.run(spec, InProcessEngine(engine), lambda _: None))
    assert len(runs[1].calls) == len(runs[0].calls) + 2
    comparison = compare(spec, *runs)
    assert (comparison.verdict.status, comparison.mismatches) == (Status.PASS, ())
    assert comparison.notes == (
        "candidate: the developer of Error: role=developer,times=1:500; asked again once, and answered",
        "candidate: the reviewer of Error: role=reviewer,times=1:cut; asked again once, and answered",
    )
