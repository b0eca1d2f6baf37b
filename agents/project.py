"""What an agent is given to work with: the order of a person, and the part of the project it may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from agents.api import ModuleApi
from agents.plan import ModuleHint, ModulePlan, Plan
from agents.prompts import as_yaml

__all__ = ["Inputs", "Order", "describe_api", "describe_apis", "describe_project"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked for."""

    idea: str
    hints: tuple[ModuleHint, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one task sees: `apis` by module and `files` (contents by path) hold what it reads, no more."""

    order: Order
    plan: Plan | None = None
    apis: Mapping[str, ModuleApi] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def made_plan(self) -> Plan:
        """The plan, where the task comes after planning."""
        if self.plan is None:
            raise LookupError("this task needs a plan and there is none")
        return self.plan


# The same plan and APIs stand in the prompts of several agents, and are written while the model waits.
@lru_cache(maxsize=256)
def describe_project(plan: Plan) -> str:
    """The project in YAML, as every agent of a module sees it: name, summary, kind, all modules by name."""
    return as_yaml(
        {
            "project": plan.project,
            "summary": plan.summary,
            "kind": "web application (Flask)" if plan.has_web_interface else "command-line tool",
            "modules": {module.name: module.module_type.value for module in plan.modules},
        }
    )


@lru_cache(maxsize=256)
def describe_api(api: ModuleApi) -> str:
    """An API in YAML."""
    return as_yaml(api.as_dict())


def describe_apis(modules: tuple[ModulePlan, ...], apis: Mapping[str, ModuleApi]) -> str:
    """The APIs of `modules` in YAML, each under its name, with the name it is imported by."""
    return _described(tuple((module, apis[module.name]) for module in modules)) if modules else ""


@lru_cache(maxsize=256)
def _described(required: tuple[tuple[ModulePlan, ModuleApi], ...]) -> str:
    return as_yaml({module.name: {"import": module.stem, **api.as_dict()} for module, api in required})
