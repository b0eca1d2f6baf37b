"""The optimizer: makes the source of one module simpler or faster, with the same API."""

from __future__ import annotations

import re

from agents.answers import fenced_blocks, python_code
from agents.conversation import Attempt, Steps, ask, start_dialogue
from agents.plan import ModulePlan
from agents.project import Inputs, describe_api
from agents.prompts import MODULE_SECTION, as_yaml, prompt
from agents.roles import Role
from agents.source import check_module

__all__ = ["optimize"]

_INSTRUCTIONS = """
You make the source of one module simpler and faster where that is worth it, without changing what it does.
"""

_NO_CHANGE = re.compile(r"\bno changes?\b", re.IGNORECASE)
_NOTHING_ELSE = re.compile(r"\W*+no changes?\W*+", re.IGNORECASE)


def optimize(module: ModulePlan, inputs: Inputs, code: str, journal: list[Attempt]) -> Steps[str]:
    """The source of `module` as it should stay: `code` itself where the optimizer leaves it alone."""
    task = prompt(
        [
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("API of this module", describe_api(inputs.apis[module.name])),
            ("Source", f"````python\n{code}````"),
            (
                "Task",
                f"Optimize {module.filename}. Keep every function of the API with its name and parameters, "
                "and every route.\n"
                "Answer with one fenced Python block that holds the whole file, or with the words NO CHANGE "
                "where nothing is worth changing.",
            ),
        ]
    )

    def read(text: str) -> str:
        blocks = fenced_blocks(text)
        if _NO_CHANGE.search(text) and all(_NOTHING_ELSE.fullmatch(block.body) for block in blocks):
            return code
        better = python_code(text)
        check_module(better, module, inputs.made_plan, inputs.apis)
        return better

    return ask(start_dialogue(Role.OPTIMIZER, module.name, _INSTRUCTIONS, task, journal), read)
