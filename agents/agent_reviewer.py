"""The reviewer: judges the source of one module, or what stands in its gaps."""

from __future__ import annotations

from collections.abc import Mapping

from agents.conversation import Attempt, Steps, ask, start_dialogue
from agents.gaps import Skeleton, gaps_shown
from agents.plan import ModulePlan
from agents.project import Inputs, describe_api
from agents.prompts import MODULE_SECTION, as_yaml, prompt
from agents.roles import Role
from agents.verdicts import FORM, Judgement, read_judgement

__all__ = ["GAPS_SECTION", "review", "review_gaps"]

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


GAPS_SECTION = "Gaps"

_GAPS_INSTRUCTIONS = """
You review what was written into the gaps of one rendered module: whether each does what it must, for ordinary
and for bad input. What is not shown is rendered, and is right.
"""


def review_gaps(
    module: ModulePlan,
    inputs: Inputs,
    skeleton: Skeleton,
    codes: Mapping[str, str],
    journal: list[Attempt],
) -> Steps[Judgement]:
    """Judge `codes`, what stands in the gaps of `skeleton`, by their names."""
    task = prompt(
        [
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("API of this module", describe_api(inputs.apis[module.name])),
            ("Scope", "\n".join(skeleton.scope)),
            (GAPS_SECTION, as_yaml(gaps_shown(skeleton, codes))),
            (
                "Task",
                f"Review what stands in the gaps of {module.filename}.\n{FORM.strip()}\n"
                "Each finding begins with the name of the gap that it is about, and a colon.",
            ),
        ]
    )
    dialogue = start_dialogue(Role.REVIEWER, module.name, _GAPS_INSTRUCTIONS, task, journal)
    return ask(dialogue, read_judgement)
