"""The developer: writes the source of one module against its API and the APIs of what it requires."""

from __future__ import annotations

from collections.abc import Sequence

from agents.answers import python_code
from agents.conversation import Attempt, Dialogue, Steps, ask, start_dialogue
from agents.plan import ModulePlan, ModuleType
from agents.project import Inputs, describe_api, describe_apis, describe_project
from agents.prompts import MODULE_SECTION, as_yaml, prompt
from agents.roles import Role
from agents.source import check_module

__all__ = ["PAGE_VARIABLES", "develop", "revise"]

PAGE_VARIABLES = (
    "`title` (a text) and `groups` (a list of mappings, each with `heading`, a text, and `rows`, a list of "
    "mappings)"
)
"""What a page gets from its view: the contract between developer and frontend developer."""

_INSTRUCTIONS = """
You write one Python module: complete, typed, with short docstrings, using only the standard library, Flask
where routes are served, and the modules it requires. Nothing is left out or marked as to do.
"""


def develop(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Steps[str]:
    """Write the source of `module`."""
    return ask(_opened(module, inputs, journal), lambda text: _read(text, module, inputs))


def revise(
    module: ModulePlan, inputs: Inputs, draft: str, findings: Sequence[str], journal: list[Attempt]
) -> Steps[str]:
    """Write the source of `module` anew after a review that found faults in `draft`."""
    dialogue = _opened(module, inputs, journal)
    dialogue.answered(f"```python\n{draft}```")
    listed = "\n".join(f"- {finding}" for finding in findings)
    dialogue.say(
        f"The reviewer asks for changes:\n{listed}\n\nAnswer with the whole file again, in the same form."
    )
    return ask(dialogue, lambda text: _read(text, module, inputs))


def _opened(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Dialogue:
    plan = inputs.made_plan
    required = tuple(plan.module(name) for name in module.requires)
    task = prompt(
        [
            ("Project", describe_project(plan)),
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("API of this module", describe_api(inputs.apis[module.name])),
            ("APIs of the modules it requires", describe_apis(required, inputs.apis)),
            ("Task", _task(module, inputs)),
        ]
    )
    return start_dialogue(Role.DEVELOPER, module.name, _INSTRUCTIONS, task, journal)


def _task(module: ModulePlan, inputs: Inputs) -> str:
    lines = [
        f"Write {module.filename}. Define every function of the API with exactly its name and parameters.",
        "Import a required module by its import name (`import orders` or `from orders import find_order`) "
        "and use only what its API lists.",
    ]
    if inputs.apis[module.name].routes:
        lines.append(f'Serve its routes with `blueprint = Blueprint("{module.stem}", __name__)`.')
    if module.module_type is ModuleType.WEB_INTERFACE:
        lines.append(
            f'Pages are rendered with `render_template("{module.stem}.html", ...)`, given {PAGE_VARIABLES}.'
        )
    lines.append("Answer with one fenced Python block that holds the whole file, and nothing else.")
    return "\n".join(lines)


def _read(text: str, module: ModulePlan, inputs: Inputs) -> str:
    code = python_code(text)
    check_module(code, module, inputs.made_plan, inputs.apis)
    return code
