"""The reviewer: judges the source of one module."""

from __future__ import annotations

from agents.conversation import Attempt, Steps, ask, start_dialogue
from agents.plan import ModulePlan
from agents.project import Inputs, describe_api
from agents.prompts import MODULE_SECTION, as_yaml, prompt
from agents.roles import Role
from agents.verdicts import FORM, Judgement, read_judgement

__all__ = ["review"]

_INSTRUCTIONS = """
You review the source of one module: whether it does what its API promises, for ordinary and for bad input.
"""


def review(module: ModulePlan, inputs: Inputs, code: str, journal: list[Attempt]) -> Steps[Judgement]:
    """Judge `code`, the source of `module`."""
    task = prompt(
        [
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("API of this module", describe_api(inputs.apis[module.name])),
            ("Source", f"````python\n{code}````"),
            ("Task", f"Review {module.filename}.\n{FORM}"),
        ]
    )
    return ask(start_dialogue(Role.REVIEWER, module.name, _INSTRUCTIONS, task, journal), read_judgement)
