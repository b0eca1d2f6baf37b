"""The verdicts of auditor and reviewer: a fault is named where there is one, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence

from agents.plan import Plan
from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.mark import Mark
from harness.gateway.simulated.planner import unused
from harness.gateway.simulated.source.oversights import overlooked
from harness.gateway.simulated.words import enumeration, quoted

__all__ = ["audit", "review", "review_gaps"]


def audit(plan: Plan, mark: Mark) -> str:
    """The auditor's answer about a plan."""
    findings = [
        f"{module.name} has no description: say what it does."
        for module in plan.modules
        if not module.description
    ]
    findings += [
        f"Nothing uses {module.name}: whatever needs what it keeps must require it."
        for module in unused(plan)
    ]
    count = len(plan.modules)
    good = f"{count} module{'s' if count != 1 else ''}, each with one job, cover the idea"
    return _judgement(
        findings, good, "The cut of the modules is right; the points above are quickly mended", mark
    )


def review(assignment: Assignment, source: str, mark: Mark) -> str:
    """The reviewer's answer about the source of a module."""
    return review_gaps(assignment, overlooked(source)[:1], mark)


def review_gaps(assignment: Assignment, findings: Sequence[str], mark: Mark) -> str:
    """The reviewer's answer about what stands in the gaps of a module, each finding with the gap's name."""
    names = [function.name for function in assignment.api.functions][:3]
    good = f"It does what its API promises; {enumeration(names)} check what they are given"
    return _judgement(findings, good, f"Sound but for the point{'s' * (len(findings) > 1)} above", mark)


def _judgement(findings: Sequence[str], good: str, bad: str, mark: Mark) -> str:
    listed = "".join(f"\n  - {quoted(finding)}" for finding in findings) or " []"
    verdict, remark = ("revise", bad) if findings else ("approve", good)
    answer = (
        f"```yaml\nverdict: {verdict}\nfindings:{listed}\n"
        f"remarks: {quoted(f'{remark} (revision {mark.revision}).')}\n```"
    )
    return mark.around(answer, ["I went through it line by line.", "Here is my verdict."], ["That is all."])
