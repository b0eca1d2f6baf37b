"""Which templates there are: ours, those of a person, and what each is rendered for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import jinja2
from jinja2.meta import find_referenced_templates

from agents.plan import ModuleType
from async_arch.module_templates import ModuleTemplates
from async_arch.project_templates import PAGE, PROJECT_FILES
from async_arch.template_environment import open_environment
from harness.errors import BadInputError

__all__ = [
    "Origin",
    "TemplateFacts",
    "list_templates",
    "module_template",
    "open_templates",
    "references",
    "template_source",
]

_SUFFIX = ".j2"


class Origin(StrEnum):
    """Whose a template is."""

    OURS = "ours"
    OVERRIDDEN = "overridden"
    """One of ours, in whose place a person has put another."""
    ADDED = "added"
    """One that we have not."""


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """A template: its name, whose it is, the file it is read from, and what is rendered from it."""

    name: str
    origin: Origin
    file: str
    renders: str


def list_templates(overrides: Path | None = None) -> tuple[TemplateFacts, ...]:
    """Every template, by name. Raises `BadInputError` where `overrides` is no folder of templates."""
    environment = open_templates(overrides)
    ours = {*open_environment().list_templates()}
    names = [name for name in environment.list_templates() if name.endswith(_SUFFIX)]
    found = {name: references(environment, name) for name in names}
    facts = []
    for name in names:
        file, _ = template_source(environment, name)
        given = overrides is not None and Path(file).is_relative_to(overrides)
        origin = (Origin.OVERRIDDEN if name in ours else Origin.ADDED) if given else Origin.OURS
        facts.append(TemplateFacts(name, origin, file, _renders(name, found)))
    return tuple(facts)


def open_templates(overrides: Path | None) -> jinja2.Environment:
    """The environment that a build renders in; `BadInputError` where `overrides` holds no templates."""
    if overrides is not None:
        try:
            is_one = any(overrides.rglob(f"*{_SUFFIX}")) if overrides.is_dir() else None
        except OSError as error:
            raise BadInputError(f"{overrides}: cannot be read: {error.strerror}") from error
        if is_one is None:
            raise BadInputError(f"{overrides}: there is no such folder; give one with templates")
        if not is_one:
            raise BadInputError(f"{overrides}: holds no template; their names end in {_SUFFIX}")
    return ModuleTemplates(overrides).environment


def module_template(module_type: ModuleType) -> str:
    """The name of the template for modules of a type, whether or not there is one."""
    return f"module/{module_type.value}.py{_SUFFIX}"


def template_source(environment: jinja2.Environment, name: str) -> tuple[str, str]:
    """The file of a template and its text, '' where it cannot be read as text."""
    if not isinstance(environment.loader, jinja2.FileSystemLoader):
        return "", ""
    for folder in environment.loader.searchpath:
        file = Path(folder, name)
        if file.is_file():
            with suppress(OSError, UnicodeDecodeError):
                return str(file), file.read_text(encoding="utf-8")
            return str(file), ""
    return "", ""


def references(environment: jinja2.Environment, name: str) -> frozenset[str]:
    """The templates that a template names; none where it cannot be read."""
    with suppress(jinja2.TemplateSyntaxError):
        tree = environment.parse(template_source(environment, name)[1], name)
        return frozenset(found for found in find_referenced_templates(tree) if found)
    return frozenset()


def _renders(name: str, found: Mapping[str, frozenset[str]]) -> str:
    types = {module_template(module_type): module_type for module_type in ModuleType}
    if name in types:
        return f"modules of the type {types[name].value}"
    for path, templates in PROJECT_FILES.items():
        if name in templates:
            kind = ("web application", "command-line tool")[templates.index(name)]
            return path if len(templates) == 1 else f"{path} of a {kind}"
    if name == PAGE:
        return "the page of a module"
    users = sorted(user for user, named in found.items() if name in named)
    return f"part of {', '.join(users)}" if users else "nothing: no template names it"
