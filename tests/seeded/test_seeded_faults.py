"""Break the async engine or its state in one place: `compare` must see it, and `bisect` blame the flag.

Every fault is tried as `harness bisect` does: real Redis, real gateway, one composition after another, each
compared with one run of `legacy`. docs/seeded-faults.md lists them; `python -m tests.seeded` tries those too
that are left out here.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from harness.compare import Status
from tests.seeded.alike import ALIKE
from tests.seeded.bench import Bench
from tests.seeded.catalogue import FAULTS
from tests.seeded.fault import Blame, Fault
from tests.seeded.specs import SPECS
from tests.seeded.table import table

pytestmark = pytest.mark.asyncio(loop_scope="session")

_TRIED = [fault for fault in FAULTS.values() if fault.name not in ALIKE]
_PAGE = Path(__file__).parents[2] / "docs" / "seeded-faults.md"


def _first_blame(spec: str) -> Blame:
    """The earliest flag that a fault on `spec` is to be blamed on."""
    return min((fault.blame for fault in _TRIED if fault.spec == spec), key=list(Blame).index)


@pytest.mark.parametrize("candidate", ["async", "async:state_store=mirror"])
async def test_the_engines_as_they_are_differ_in_nothing(candidate: str, bench: Bench) -> None:
    """Else every fault below would be found whatever the comparison did: from the step on, on each spec, from
    which faults are looked for there."""
    # `tests/campaigns/equal_engines.py` compares them at every step and with a mirror as well.
    for spec in list(SPECS)[: None if candidate == "async" else 1]:
        await bench.prepare(spec)
        finding = await bench.find(spec, candidate, blame=_first_blame(spec))
        assert finding.status in (Status.PASS, Status.ERROR)
        assert not finding.mismatches


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            fault,
            id=fault.name,
            marks=[pytest.mark.xfail(reason=fault.missed, strict=True)] if fault.missed else [],
        )
        for fault in _TRIED
    ],
)
async def test_a_fault_is_caught_in_its_layer_and_blamed_on_its_flag(
    fault: Fault, bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(logging.getLogger("async_arch"), "disabled", True)
    finding = await bench.try_out(fault, monkeypatch, tmp_path)
    assert finding.status is Status.FAIL, finding.reason
    assert (finding.blamed, finding.layer) == (fault.blame, fault.layer), finding.reason
    assert fault.words in finding.reason


async def test_the_page_lists_every_fault() -> None:
    assert FAULTS.keys() >= ALIKE
    assert table() in _PAGE.read_text(encoding="utf-8")


async def test_no_flag_and_layer_is_left_to_the_runner() -> None:
    assert {(fault.blame, fault.layer) for fault in FAULTS.values()} == {(f.blame, f.layer) for f in _TRIED}
