"""Templates of modules: rendered, they are whole sources whose gaps the model fills.

A skeleton is held against its gaps as soon as it is made. Whatever is wrong with a template, or with what it
is given, is a `TemplateProblem` that names the file and, where it is known, the line.
"""

from __future__ import annotations

import builtins
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from agents.api import FunctionSpec, ModuleApi
from agents.gaps import Gap, GapKind, Skeleton, placeholder
from agents.plan import ModulePlan, ModuleType
from agents.project import Inputs
from async_arch.import_lines import import_sections
from async_arch.project_templates import project_files
from async_arch.signatures import Signature, fitted, read_signature
from async_arch.template_environment import TemplateProblem, open_environment
from async_arch.view_links import UnknownPath, kept_thing, routes_of

__all__ = ["ModuleTemplates"]

_TAKEN = frozenset(
    {"Any", "Blueprint", "Response", "ResponseReturnValue", "blueprint", "itertools", "jsonify"}
    | {"render_template", "request", "shared", "threading", "uuid"}
    | {"_bad_request", "_body", "_flag", "_ids", "_known", "_lock", "_named", "_not_found", "_number"}
    | {"_page", "_rows", "_switch", "_text", "_texts", "_whole"}
    | set(dir(builtins))
)
"""What the templates, or the code in their gaps, need to mean what it means."""

_CHECKS = {"str": "text", "float": "number", "int": "whole", "bool": "flag"}


@dataclass(frozen=True, slots=True)
class _Function:
    """A function of the API as a template sees it."""

    name: str
    items: tuple[str, ...]
    closing: str
    said: str
    gap: Gap


class ModuleTemplates:
    """Our templates, or those of that name in `overrides`."""

    def __init__(self, overrides: Path | None = None) -> None:
        self._environment = open_environment(overrides)
        self._environment.filters.update(import_sections=import_sections, open=_open)
        self._environment.globals.update(fitted=fitted)

    def skeleton(
        self, module: ModulePlan, inputs: Inputs, *, imports: Collection[str] = ()
    ) -> Skeleton | None:
        """The source of `module` with its gaps; None where no template can yield it.

        That is so where its type has no template or one that yields nothing, and where its API takes a name
        that the templates need, names types or defaults that are not Python's own, or has a path that Flask
        does not know. `imports` are the modules that the code in the gaps uses. Raises `TemplateProblem`.
        """
        name = f"module/{module.module_type}.py.j2"
        try:
            template = self._environment.get_template(name)
        except jinja2.TemplateNotFound as error:
            if error.name == name:
                return None
            raise TemplateProblem(f"{name}: there is no template {error.name}") from error
        except jinja2.TemplateSyntaxError as error:
            raise _syntax_problem(error) from error
        api = inputs.apis[module.name]
        signatures = _signatures(name, api)
        try:
            routes = routes_of(api, pages=module.module_type is ModuleType.WEB_INTERFACE)
        except UnknownPath:
            return None
        except ValueError as error:
            raise TemplateProblem(f"{name}: {error}") from error
        if not _renderable(signatures):
            return None
        required = {
            inputs.made_plan.module(needed).stem: inputs.apis[needed].names for needed in module.requires
        }
        functions = tuple(map(_function, api.functions, signatures))
        shared = Gap("shared", GapKind.SHARED, "What several functions of the API need.")
        context = {
            "name": module.name,
            "stem": module.stem,
            "description": module.description or "a module of the application",
            "project": inputs.made_plan.project,
            "functions": functions,
            "routes": routes,
            "shared": shared,
            "thing": kept_thing(api.functions).replace("_", " ") or "entry",
            "checks": _checks(signatures),
            "imports": [*_imported(name, imports, required, signatures)],
            "local": required.keys(),
        }
        gaps = (shared, *(f.gap for f in functions), *(v.gap for v in routes.views if v.link is None))
        source = _rendered(template, name, context)
        return _checked(name, Skeleton(source, gaps, required)) if source.strip() else None

    def project_files(self, inputs: Inputs) -> Mapping[str, str] | None:
        """The files that put the modules of a project together, by path. Raises `TemplateProblem`."""
        return project_files(self._environment, inputs)

    @property
    def environment(self) -> jinja2.Environment:
        """What the templates are rendered in, with the filters that those of modules have besides."""
        return self._environment


def _signatures(name: str, api: ModuleApi) -> tuple[Signature, ...]:
    try:
        return tuple(read_signature(function.signature) for function in api.functions)
    except ValueError as error:
        raise TemplateProblem(f"{name}: {error}") from error


def _renderable(signatures: Collection[Signature]) -> bool:
    """Whether the templates can hold functions with these signatures."""
    names = {signature.name for signature in signatures}
    imported = {line.split()[-1] for signature in signatures for line in signature.imports}
    parameters = {parameter.name for signature in signatures for parameter in signature.parameters}
    return (
        not any(signature.foreign for signature in signatures)
        and names.isdisjoint(_TAKEN | imported)
        and all(name.isascii() for name in names | parameters)
    )


def _function(spec: FunctionSpec, signature: Signature) -> _Function:
    said = spec.purpose or f"{signature.name}."
    gap = Gap(signature.name, GapKind.BODY, said, spec.signature)
    return _Function(signature.name, signature.items, signature.closing, said, gap)


def _checks(signatures: Collection[Signature]) -> list[str]:
    """The checks for the types of parameters, in the order in which they stand in a module."""
    types = {parameter.type for signature in signatures for parameter in signature.parameters}
    plain = {found.name for found in types}
    lists = any(found.name == "list" and found.item in ("", "str") for found in types)
    checks = {name: check in plain for check, name in _CHECKS.items()}
    checks["text"] |= lists
    order = {"text": checks["text"], "texts": lists, **checks}
    return [name for name, wanted in order.items() if wanted]


def _imported(
    name: str, used: Collection[str], required: Collection[str], signatures: Collection[Signature]
) -> Iterator[str]:
    """The import lines that signatures need, and those for the modules that code in gaps uses."""
    own = {signature.name for signature in signatures}
    for module in used:
        if module not in required and module not in sys.stdlib_module_names:
            raise TemplateProblem(f"{name}: the code uses the module {module}, which it does not require")
        if module not in own:
            yield f"import {module}"
    for signature in signatures:
        yield from signature.imports


def _open(gap: Gap) -> str:
    """The statement that stands for `gap`: on one line however long, as `Skeleton` wants it."""
    return placeholder(gap.name, gap.kind)


def _rendered(template: jinja2.Template, name: str, context: Mapping[str, object]) -> str:
    try:
        return template.render(context)
    except jinja2.TemplateSyntaxError as error:
        raise _syntax_problem(error) from error
    except RecursionError as error:
        raise TemplateProblem(f"{name}: the templates call each other without end") from error
    except Exception as error:  # whatever a template does wrong, it is the template that must be named
        raise TemplateProblem(f"{_place(error, name)}: {error}") from error


def _place(error: Exception, name: str) -> str:
    """The template and its line that an error comes from: the innermost one on the stack."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else name


def _syntax_problem(error: jinja2.TemplateSyntaxError) -> TemplateProblem:
    return TemplateProblem(f"{error.filename or error.name}, line {error.lineno}: {error.message}")


def _checked(name: str, skeleton: Skeleton) -> Skeleton:
    """`skeleton`, which parses and in which each gap is there once."""
    try:
        _ = skeleton.places
    except SyntaxError as error:
        line = (skeleton.source.splitlines() or [""])[min(error.lineno or 1, skeleton.source.count("\n")) - 1]
        said = f"line {error.lineno} of what it yields is not Python ({error.msg}): {line.strip()[:80]}"
        raise TemplateProblem(f"{name}: {said}") from error
    except ValueError as error:
        raise TemplateProblem(f"{name}: {error}") from error
    return skeleton
