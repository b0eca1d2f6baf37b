"""The plan of a project: its modules, and which of them needs which."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from agents.conversation import UnusableAnswer

__all__ = [
    "ModuleHint",
    "ModulePlan",
    "ModuleType",
    "Plan",
    "default_filename",
    "filename_problem",
    "name_problem",
    "read_plan",
    "requirement_problems",
]


class ModuleType(StrEnum):
    """What a module is for."""

    WEB_INTERFACE = "web_interface"
    """Pages for people: Flask views with HTML."""
    SERVICE = "service"
    """What the application does; in a web application also its JSON routes."""
    DATA = "data"
    """What the application keeps."""
    UTILITY = "utility"
    """What the others share."""


@dataclass(frozen=True, slots=True)
class ModuleHint:
    """A module that a person asks for; what is left out is for the analyst to decide."""

    name: str
    module_type: ModuleType | None = None
    description: str = ""
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModulePlan:
    """One module of a plan; `requires` names the modules whose API it uses."""

    name: str
    filename: str
    module_type: ModuleType
    description: str
    requires: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name under which other modules import it."""
        return self.filename.removesuffix(".py")

    def as_dict(self) -> dict[str, object]:
        """The module as YAML and JSON have it."""
        return {
            "name": self.name,
            "filename": self.filename,
            "module_type": self.module_type.value,
            "description": self.description,
            "requires": list(self.requires),
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole project; modules stand in the order of the plan and their `requires` form no cycle."""

    project: str
    summary: str
    modules: tuple[ModulePlan, ...]

    def module(self, name: str) -> ModulePlan:
        """The module called `name`; KeyError where there is none."""
        for module in self.modules:
            if module.name == name:
                return module
        raise KeyError(name)

    @property
    def has_web_interface(self) -> bool:
        """Whether people reach the application with a browser; without, it is a command-line tool."""
        return any(module.module_type is ModuleType.WEB_INTERFACE for module in self.modules)

    def in_build_order(self) -> tuple[ModulePlan, ...]:
        """The modules with what each requires before it, otherwise in the order of the plan."""
        by_name = {module.name: module for module in self.modules}
        ordered: dict[str, ModulePlan] = {}

        # An explicit stack: a chain of thousands of modules must not meet the recursion limit.
        for first in self.modules:
            stack = [first]
            while stack:
                module = stack[-1]
                if module.name in ordered:
                    stack.pop()
                    continue
                missing = [by_name[name] for name in module.requires if name not in ordered]
                if missing:
                    stack.extend(reversed(missing))
                else:
                    ordered[module.name] = stack.pop()
        return tuple(ordered.values())

    def as_dict(self) -> dict[str, object]:
        """The plan as YAML and JSON have it; `read_plan` reads it back."""
        return {
            "project": self.project,
            "summary": self.summary,
            "modules": [module.as_dict() for module in self.modules],
        }


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_FILENAME = re.compile(r"[a-z][a-z0-9_]{0,63}\.py")
_RESERVED = frozenset(
    {"main", "app", "templates", "static", "tests", "setup", "conftest"}
    | {"flask", "jinja2", "werkzeug", "click", "markupsafe", "blinker", "itsdangerous", "requirements"}
)
_SYNONYMS = {
    ModuleType.WEB_INTERFACE: {
        "web",
        "frontend",
        "front_end",
        "ui",
        "page",
        "pages",
        "view",
        "views",
        "interface",
    },
    ModuleType.SERVICE: {
        "backend",
        "back_end",
        "api",
        "logic",
        "business",
        "business_logic",
        "core",
        "services",
    },
    ModuleType.DATA: {"database", "db", "storage", "model", "models", "store", "repository", "persistence"},
    ModuleType.UTILITY: {"util", "utils", "utilities", "helper", "tool", "library", "cli", "config", "auth"},
}


def name_problem(name: str) -> str | None:
    """Why `name` cannot be the name of a module, or None where it can."""
    if _NAME.fullmatch(name):
        return None
    return f"module name {name!r} is not usable: letters, digits and _ only, a letter first, at most 64"


def filename_problem(filename: str) -> str | None:
    """Why `filename` cannot be the file of a module, or None where it can."""
    if not _FILENAME.fullmatch(filename):
        return f"file name {filename!r} is not usable: a plain name such as cart.py, lower case, no folder"
    stem = filename.removesuffix(".py")
    if keyword.iskeyword(stem):
        return f"file name {filename!r} cannot be imported, {stem} is a keyword: use {stem}_module.py"
    if stem in _RESERVED or stem in sys.stdlib_module_names:
        return f"file name {filename!r} would hide another module of that name: use {stem}_module.py"
    return None


def default_filename(name: str) -> str:
    """The file for a module called `name`: `OrderItems` is in `order_items.py`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()[:64]
    filename = f"{snake}.py"
    return filename if filename_problem(filename) is None else f"{snake}_module.py"


def requirement_problems(requires: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong with a graph of requirements: unknown names, then one cycle if there is any."""
    problems = [
        f"module {name} requires {needed}, which is not a module of the project"
        for name, all_needed in requires.items()
        for needed in all_needed
        if needed not in requires
    ]
    if problems:
        return problems
    try:
        TopologicalSorter(requires).prepare()
    except CycleError as error:
        cycle = error.args[1]
        return [f"modules require each other in a circle: {' -> '.join(reversed(cycle))}"]
    return []


def read_plan(data: Mapping[str, object], hints: Sequence[ModuleHint] = ()) -> Plan:
    """The plan in `data`, whose `modules` is a list, or a mapping from names to the rest.

    Raises `UnusableAnswer` with everything that is wrong at once: bad or doubled names and files, unknown
    types and requirements, circles, and `hints` that are not followed.
    """
    problems: list[str] = []
    modules = [_read_module(item, problems) for item in _items(data.get("modules"))]
    if not modules and not problems:
        problems.append("'modules' must be a list with at least one module")
    problems += _doubled("module name", [module.name for module in modules])
    problems += _doubled("file name", [module.filename for module in modules])
    problems += requirement_problems({module.name: module.requires for module in modules})
    problems += _unheeded({module.name: module for module in modules}, hints)
    if problems:
        raise UnusableAnswer("; ".join(problems))
    project = _text(data.get("project")) or "Application"
    return Plan(project, _text(data.get("summary")), tuple(modules))


def _items(modules: object) -> Iterable[Mapping[str, object]]:
    if isinstance(modules, Mapping):
        for name, rest in modules.items():
            yield {"name": name, **rest} if isinstance(rest, Mapping) else {"name": name, "description": rest}
    elif isinstance(modules, list):
        for item in modules:
            if isinstance(item, Mapping) and "name" not in item and len(item) == 1:
                yield from _items(item)
            else:
                yield item if isinstance(item, Mapping) else {"name": item}


def _read_module(item: Mapping[str, object], problems: list[str]) -> ModulePlan:
    name = _joined(item.get("name"))
    problem = name_problem(name)
    filename = _text(item.get("filename") or item.get("file"))
    if problem is None and not filename:
        filename = default_filename(name)
    problem = problem or filename_problem(filename)
    type_name = _text(item.get("module_type") or item.get("type")).lower().replace("-", "_").replace(" ", "_")
    module_type = _module_type(type_name)
    if problem is None and module_type is None:
        choices = ", ".join(ModuleType)
        problem = f"module {name} has the module_type {type_name!r}; it must be one of {choices}"
    if problem is not None:
        problems.append(problem)
    requires = item.get("requires") or item.get("dependencies") or []
    names = [
        _joined(needed) for needed in (requires if isinstance(requires, list) else str(requires).split(","))
    ]
    return ModulePlan(
        name=name,
        filename=filename,
        module_type=module_type or ModuleType.UTILITY,
        description=_text(item.get("description") or item.get("spec")),
        requires=tuple(dict.fromkeys(needed for needed in names if needed.lower() not in ("", "none"))),
    )


def _module_type(name: str) -> ModuleType | None:
    for module_type, synonyms in _SYNONYMS.items():
        if name == module_type.value or name in synonyms:
            return module_type
    return None


def _joined(value: object) -> str:
    """A name as one word: models also write `Shopping Cart` and `order-items`."""
    words = re.split(r"[\s-]+", _text(value))
    return words[0] if len(words) == 1 else "".join(word[:1].upper() + word[1:] for word in words)


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _doubled(what: str, values: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    problems = []
    for value in values:
        if value.lower() in seen:
            problems.append(f"{what} {value!r} is used twice")
        seen.add(value.lower())
    return problems


def _unheeded(modules: Mapping[str, ModulePlan], hints: Sequence[ModuleHint]) -> list[str]:
    problems = []
    for hint in hints:
        module = modules.get(hint.name)
        if module is None:
            problems.append(f"module {hint.name} was asked for and is missing")
            continue
        if hint.module_type is not None and module.module_type is not hint.module_type:
            problems.append(f"module {hint.name} must have the module_type {hint.module_type.value}")
        lost = [needed for needed in hint.requires if needed not in module.requires]
        if lost:
            problems.append(f"module {hint.name} must require {', '.join(lost)}")
    return problems
