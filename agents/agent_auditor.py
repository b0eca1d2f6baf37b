"""The auditor: judges the analyst's plan before anything is built on it."""

from __future__ import annotations

from agents.conversation import Attempt, Steps, ask, start_dialogue
from agents.plan import Plan
from agents.project import Order
from agents.prompts import as_yaml, prompt
from agents.roles import Role
from agents.verdicts import FORM, Judgement, read_judgement

__all__ = ["audit"]

_INSTRUCTIONS = """
You judge the plan of an application before it is built: whether it covers the idea, whether each module has
one job, and whether each requires what it needs and nothing more.
"""


def audit(order: Order, plan: Plan, journal: list[Attempt]) -> Steps[Judgement]:
    """Judge `plan` against `order`."""
    task = prompt(
        [
            ("Idea", order.idea),
            ("Plan", as_yaml(plan.as_dict())),
            ("Task", "Judge this plan.\n" + FORM),
        ]
    )
    return ask(start_dialogue(Role.AUDITOR, None, _INSTRUCTIONS, task, journal), read_judgement)
