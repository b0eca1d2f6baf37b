"""The developer: writes the source of one module, whole or, where it is rendered, what is left out of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from agents.answers import python_code
from agents.api import ModuleApi
from agents.conversation import Attempt, Dialogue, Steps, ask, start_dialogue
from agents.gap_answer import GAP_FORMAT, read_gap
from agents.gaps import Gap, GapKind, Skeleton
from agents.plan import ModulePlan, ModuleType
from agents.project import Inputs, describe_api, describe_apis, describe_project
from agents.prompts import MODULE_SECTION, as_yaml, prompt
from agents.roles import Role
from agents.source import check_module

__all__ = [
    "GAP_SECTION",
    "PAGE_VARIABLES",
    "SCOPE_SECTION",
    "SHARED_SECTION",
    "develop",
    "fill",
    "refill",
    "revise",
]

PAGE_VARIABLES = (
    "`title` (a text) and `groups` (a list of mappings, each with `heading`, a text, and `rows`, a list of "
    "mappings)"
)
"""What a page gets from its view: the contract between developer and frontend developer."""

_INSTRUCTIONS = """
You write one Python module: complete, typed, with short docstrings, using only the standard library, Flask
where routes are served, and the modules it requires. Nothing is left out or marked as to do.
"""

_GAP_INSTRUCTIONS = """
A Python module is written but for its gaps, and you write what belongs into one of them: complete and plain.
"""

GAP_SECTION = "Gap"
SCOPE_SECTION = "Scope"
SHARED_SECTION = "Shared by the functions"

_BODY = """
Write the statements of this function: neither its first line nor its docstring, nothing outside of it.
Raise LookupError for what is not there and ValueError for what may not be.
"""

_SHARED = """
Write the private definitions (names with one underscore) that several functions of the API need and that are
not in scope yet: helper functions, data. Mostly none is needed; then the code is empty.
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


def fill(
    module: ModulePlan, inputs: Inputs, gap: Gap, skeleton: Skeleton, shared: str, journal: list[Attempt]
) -> Steps[str]:
    """Write the code of `gap`; `shared` is what the functions of the module share already."""
    dialogue = _opened_at(module, inputs, gap, skeleton, shared, journal)
    return ask(dialogue, lambda text: read_gap(text, gap, skeleton, shared), answer_format=GAP_FORMAT)


def refill(
    module: ModulePlan,
    inputs: Inputs,
    gap: Gap,
    skeleton: Skeleton,
    shared: str,
    draft: str,
    findings: Sequence[str],
    journal: list[Attempt],
) -> Steps[str]:
    """Write the code of `gap` anew after a review that found faults in `draft`."""
    dialogue = _opened_at(module, inputs, gap, skeleton, shared, journal)
    dialogue.answered(json.dumps({"code": draft}, ensure_ascii=False))
    listed = "\n".join(f"- {finding}" for finding in findings)
    dialogue.say(f"The reviewer asks for changes:\n{listed}\n\nAnswer with the whole code again.")
    return ask(dialogue, lambda text: read_gap(text, gap, skeleton, shared), answer_format=GAP_FORMAT)


def _opened_at(
    module: ModulePlan, inputs: Inputs, gap: Gap, skeleton: Skeleton, shared: str, journal: list[Attempt]
) -> Dialogue:
    required = tuple(inputs.made_plan.module(name) for name in module.requires)
    offered = {each.name: _without_purposes_of_routes(inputs.apis[each.name]) for each in required}
    what, example = _BODY, '{"code": "return 1"}'
    if gap.kind is GapKind.SHARED:
        what, example = _SHARED, '{"code": ""}'
    modules = ", ".join(skeleton.usable_modules)
    task = prompt(
        [
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("API of this module", describe_api(inputs.apis[module.name])),
            ("APIs of the modules it requires", describe_apis(required, offered)),
            (SCOPE_SECTION, "\n".join(skeleton.scope)),
            (SHARED_SECTION, f"````python\n{shared}\n````" if shared else ""),
            (GAP_SECTION, as_yaml(gap.as_dict())),
            (
                "Task",
                f"{what.strip()}\n"
                "Use what is in scope, the functions of the API, and these modules by their plain names, "
                f"without importing them: {modules}.\n"
                f"Answer with one JSON object and nothing else, such as {example}.",
            ),
        ]
    )
    return start_dialogue(Role.DEVELOPER, module.name, _GAP_INSTRUCTIONS, task, journal)


def _without_purposes_of_routes(api: ModuleApi) -> ModuleApi:
    """`api` as a gap needs it of others: it calls functions, and this is part of every gap's prompt."""
    return replace(api, routes=tuple(replace(route, purpose="") for route in api.routes))


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
