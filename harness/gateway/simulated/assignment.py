"""What a prompt about one module says: the project around it, the module, and what it may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import yaml

from agents.plan import ModulePlan, ModuleType
from agents.prompts import MODULE_SECTION
from harness.gateway.simulated.description import Description, read_description
from harness.gateway.simulated.offer import Offer, read_offer

__all__ = ["ASSIGNMENT_SECTIONS", "Assignment", "UnknownPrompt", "read_assignment", "read_yaml"]

# The loader written in C is ten times faster; where it was not built, the other one reads the same.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PROJECT = "Project"
_OWN_API = "API of this module"
_REQUIRED_APIS = "APIs of the modules it requires"
ASSIGNMENT_SECTIONS = frozenset({_PROJECT, MODULE_SECTION, _OWN_API, _REQUIRED_APIS})
"""The sections of a prompt that an assignment is read from."""


class UnknownPrompt(Exception):
    """A prompt that is not laid out as those of the team are."""


@dataclass(frozen=True)
class Assignment:
    """A module to work on. `types` are all modules of the project, in order; empty if it is not shown."""

    project: str
    types: Mapping[str, ModuleType]
    module: ModulePlan
    own: Offer | None
    required: tuple[Offer, ...]

    @property
    def has_pages(self) -> bool:
        """Whether the application is used with a browser; where it is not shown, its routes tell."""
        if not self.types:
            shown = (*([self.own] if self.own else []), *self.required)
            return any(offer.routes for offer in shown)
        return ModuleType.WEB_INTERFACE in self.types.values()

    @property
    def is_first_page(self) -> bool:
        """Whether this is the web interface that the project lists first."""
        pages = [name for name, kind in self.types.items() if kind is ModuleType.WEB_INTERFACE]
        return pages[:1] == [self.module.name]

    @property
    def api(self) -> Offer:
        """The API of this module, where the prompt shows it."""
        if self.own is None:
            raise UnknownPrompt(f"the API of {self.module.name} is not shown")
        return self.own

    @cached_property
    def description(self) -> Description:
        """What the description of the module says."""
        return read_description(self.module.description)


def read_assignment(sections: Mapping[str, str]) -> Assignment:
    """The assignment in the sections of a prompt; raises `UnknownPrompt`."""
    if MODULE_SECTION not in sections:
        raise UnknownPrompt("no module is named")
    project = read_yaml(sections.get(_PROJECT, ""))
    told = read_yaml(sections[MODULE_SECTION])
    module = ModulePlan(
        name=str(told.get("name") or "Module"),
        filename=str(told.get("filename") or "module.py"),
        module_type=_type(told.get("module_type")),
        description=str(told.get("description") or ""),
        requires=tuple(str(name) for name in _list(told.get("requires"))),
    )
    own = read_yaml(sections.get(_OWN_API, ""))
    required = read_yaml(sections.get(_REQUIRED_APIS, ""))
    types = project.get("modules")
    return Assignment(
        project=str(project.get("project") or "Application"),
        types={name: _type(kind) for name, kind in types.items()} if isinstance(types, dict) else {},
        module=module,
        own=read_offer(module.name, module.stem, own) if own else None,
        required=tuple(
            read_offer(name, str(api.get("import") or name), api)
            for name, api in required.items()
            if isinstance(api, dict)
        ),
    )


def read_yaml(text: str) -> dict[str, object]:
    """The mapping that `text` holds; empty where it holds none."""
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, whichever it is
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise UnknownPrompt(f"a section is not YAML: {problem}") from problem
    return {str(key): value for key, value in data.items()} if isinstance(data, dict) else {}


def _type(name: object) -> ModuleType:
    try:
        return ModuleType(str(name))
    except ValueError:
        return ModuleType.UTILITY


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
