"""Verdicts: faults are named where they are, and the form is that of the team."""

from __future__ import annotations

from agents.plan import ModulePlan, ModuleType, Plan
from agents.verdicts import read_judgement
from harness.gateway.simulated.judgements import audit
from harness.gateway.simulated.mark import Mark

MARK = Mark.of("0123456789abcdef")


def plan(*modules: ModulePlan) -> Plan:
    """A plan with these modules."""
    return Plan("Shop", "", modules)


def test_a_sound_plan_is_approved() -> None:
    """With a remark that carries the mark."""
    judgement = read_judgement(
        audit(plan(ModulePlan("Work", "work.py", ModuleType.SERVICE, "It works.")), MARK)
    )
    assert judgement.approved
    assert "01234567" in judgement.remarks


def test_faults_are_named() -> None:
    """A module that nobody described, and one that nothing uses although something could."""
    data = ModulePlan("Data", "data.py", ModuleType.DATA, "")
    work = ModulePlan("Work", "work.py", ModuleType.SERVICE, "It works.")

    judgement = read_judgement(audit(plan(data, work), MARK))

    assert not judgement.approved
    assert [finding.partition(":")[0] for finding in judgement.findings] == [
        "Data has no description",
        "Nothing uses Data",
    ]
