"""Hybrid generation against whole files: the contract holds, for a fraction of the developer's tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.roles import Role
from harness.compare import Comparison, Layer, Status
from harness.compare.terms import Policy
from harness.gateway.settings import SimulateSettings
from harness.record import RunRecord, RunStore
from harness.session import SessionSettings
from harness.spec import Expectations, find_specs
from harness.trial import run_trial
from tests.end_to_end.site import Unwatched, engines_in_process

pytestmark = pytest.mark.usefixtures("forked_processes")

EXAMPLES = Path(__file__).parents[2] / "examples"
FAST = SimulateSettings(ttft_s=0.001, tokens_per_s=100_000)


async def _compared(name: str, store: Path, control: str, candidate: str, **more: object) -> Comparison:
    """Both engines on an example, in this process: what a worker does about it is tested elsewhere."""
    spec = find_specs([EXAMPLES / name])[0].model_copy(update={"expect": Expectations()})
    settings = replace(SessionSettings(model="simulated", simulated=FAST, store=store), **more)  # type: ignore[arg-type]
    with engines_in_process("harness.trial"):
        trial = run_trial([spec], control, candidate, settings, Unwatched())
        (comparison,) = [found async for found in trial]
    return comparison


def _output_tokens(record: RunRecord, role: Role) -> int:
    return sum(call.output_tokens or 0 for call in record.calls if call.role == role)


# The third example, of fifteen modules, is compared by hand: see docs/hybrid.md.
@pytest.mark.parametrize("name", ["ecommerce.yaml", "notes_cli.yaml"])
async def test_the_contract_holds_and_the_developer_writes_less_than_two_fifths(
    name: str, tmp_path: Path
) -> None:
    comparison = await _compared(name, tmp_path, "phase:2", "phase:3")
    assert comparison.policy == Policy.CONTRACT
    assert comparison.verdict.status is Status.PASS, comparison.verdict.reasons
    store = RunStore(tmp_path)
    whole, gaps = (store.load(side.run) for side in (comparison.control, comparison.candidate))
    assert set(whole.summary.files) <= set(gaps.summary.files)
    assert _output_tokens(gaps, Role.DEVELOPER) <= 0.4 * _output_tokens(whole, Role.DEVELOPER)
    assert gaps.summary.composition["generation"] == "hybrid"


async def test_a_module_type_without_a_template_is_written_whole_and_the_record_says_so(
    tmp_path: Path,
) -> None:
    given = tmp_path / "given" / "module"
    given.mkdir(parents=True)
    (given / "data.py.j2").write_text("{# none #}")
    comparison = await _compared(
        "notes_cli.yaml", tmp_path, "phase:2", "phase:3", templates=tmp_path / "given"
    )
    assert comparison.verdict.status is Status.PASS, comparison.verdict.reasons
    record = RunStore(tmp_path).load(comparison.candidate.run)
    assert record.blackboard is not None
    logs = record.blackboard["logs"]
    assert isinstance(logs, list)
    assert [entry["message"] for entry in logs if "written whole" in entry["message"]] == [
        "NoteStore is written whole: no template for data fits it",
    ]


async def test_hybrid_with_itself_is_the_same_to_the_byte(tmp_path: Path) -> None:
    comparison = await _compared(
        "notes_cli.yaml", tmp_path, "async:generation=hybrid,orchestration=sequential", "phase:3"
    )
    assert comparison.policy == Policy.EXACT
    assert comparison.verdict.status is Status.PASS, comparison.verdict.reasons
    assert not [m for layer in comparison.layers for m in layer.mismatches if layer.layer is not Layer.TIMING]
