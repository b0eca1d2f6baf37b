"""The architect: designs the API of one module, seeing the APIs of what it requires."""

from __future__ import annotations

from agents.answers import mapping
from agents.api import ModuleApi, read_api
from agents.conversation import Attempt, Steps, UnusableAnswer, ask, start_dialogue
from agents.plan import ModulePlan, Plan
from agents.project import Inputs, describe_apis, describe_project
from agents.prompts import MODULE_SECTION, as_yaml, prompt
from agents.roles import Role

__all__ = ["design"]

_INSTRUCTIONS = """
You design the API of one module of an application: the functions that other modules may call, and the HTTP
routes it serves, if any. Functions take and return plain data (int, str, float, bool, list, dict).
"""

_FORM = """
Answer with one fenced YAML block and nothing else:

```yaml
functions:
  - signature: "find_order(order_id: int) -> dict | None"
    purpose: what it does, in one sentence
routes:
  - method: GET
    path: /orders/<int:order_id>
    purpose: what it answers, in one sentence
notes: what the developer should know, in one sentence
```
"""


def design(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Steps[ModuleApi]:
    """Design the API of `module`."""
    plan = inputs.made_plan
    required = tuple(plan.module(name) for name in module.requires)
    task = prompt(
        [
            ("Project", describe_project(plan)),
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("APIs of the modules it requires", describe_apis(required, inputs.apis)),
            ("Task", f"Design the API of {module.name}.\n{_routes(plan, module)}\n{_FORM}"),
        ]
    )
    dialogue = start_dialogue(Role.ARCHITECT, module.name, _INSTRUCTIONS, task, journal)
    return ask(dialogue, lambda text: _read(text, plan))


def _routes(plan: Plan, module: ModulePlan) -> str:
    if plan.has_web_interface:
        prefix = module.stem.replace("_", "-")
        return f"Its routes, if it has any, begin with /{prefix}; only one page may have /."
    return "The application is a command-line tool: no module has routes."


def _read(text: str, plan: Plan) -> ModuleApi:
    api = read_api(mapping(text, having="functions"))
    if api.routes and not plan.has_web_interface:
        raise UnusableAnswer("the application is a command-line tool; 'routes' must be []")
    return api
