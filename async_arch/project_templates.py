"""Templates of projects: what puts the modules together is rendered whole, and no model is asked for it."""

from __future__ import annotations

import builtins
import re
import sys
import tomllib
import traceback
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from agents.agent_integrator import ENTRY_POINT, REQUIREMENTS, entry_point_problems, requirements_problems
from agents.answers import parse_python
from agents.api import FunctionSpec, RouteSpec
from agents.conversation import UnusableAnswer
from agents.plan import ModulePlan, Plan
from agents.project import Inputs
from agents.source import imports
from async_arch.template_environment import TemplateProblem

__all__ = [
    "PAGE",
    "PROJECT_FILES",
    "OfferedModule",
    "page",
    "place_in_template",
    "project_file",
    "project_files",
    "project_template",
]

_SUFFIX = ".j2"
_TESTS = "tests/test_app.py"
_WEB = "project/main_web.py.j2"
_COMMAND_LINE = "project/main_command_line.py.j2"

PROJECT_FILES: Mapping[str, tuple[str, ...]] = {
    ENTRY_POINT: (_WEB, _COMMAND_LINE),
    REQUIREMENTS: ("project/requirements.txt.j2",),
    "pyproject.toml": ("project/pyproject.toml.j2",),
    "setup.py": ("project/setup.py.j2",),
    _TESTS: (f"project/{_TESTS}.j2",),
}
"""The templates that a file of a project is rendered from: main.py of the first for a web application."""

PAGE = "page/base.html.j2"
"""The template of a module's page."""

# Names of main.py that a module may have as well; those of Flask and of the standard library it may not have.
_NAMES_IN_USE = frozenset(
    {
        *("annotation", "argv", "arguments", "blueprint", "chosen", "command", "create_app"),
        *("current_app", "file", "flask_app", "function", "functions", "given", "jsonify", "key", "kind"),
        *("line", "module", "modules", "name", "names", "parameter", "parser", "problem"),
        *("readers", "result", "said", "state", "text", "value"),
    }
) | {*dir(builtins)}

# A command noted without need is done again without need; one that is not, and changes something, is lost.
_READING = frozenset(
    {
        *("count", "display", "filter", "find", "get", "groups", "history", "list", "lookup"),
        *("overview", "query", "rank", "search", "see", "show", "sort", "status", "sum"),
        *("summarise", "summarize", "top", "total", "track"),
    }
)

_FLASK = "flask>=3.0"
_COMES_WITH_FLASK = frozenset(
    {"blinker", "click", "flask", "itsdangerous", "jinja2", "markupsafe", "werkzeug"}
)
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class OfferedModule:
    """A module as templates see it; `here` is what main.py calls it, for `stem` may have another meaning."""

    name: str
    stem: str
    here: str
    functions: tuple[FunctionSpec, ...]
    routes: tuple[RouteSpec, ...]


def project_files(environment: jinja2.Environment, inputs: Inputs) -> dict[str, str]:
    """The files that put the modules in `inputs.files` together, contents by path.

    Raises `TemplateProblem` where one cannot be rendered, or is not what an integrator might have written.
    """
    return {path: project_file(environment, path, inputs) for path in PROJECT_FILES}


def project_file(environment: jinja2.Environment, path: str, inputs: Inputs) -> str:
    """One of `PROJECT_FILES`, with what holds for `project_files`."""
    name = project_template(path, inputs.made_plan)
    content = _rendered(environment, name, _variables(inputs))
    unusable = f"{name} yields no usable {path}"
    try:
        problems = list(_problems(path, content, inputs))
    except (UnusableAnswer, tomllib.TOMLDecodeError) as error:
        raise TemplateProblem(f"{unusable}: {error}") from error
    if problems:
        raise TemplateProblem(f"{unusable}: {'; '.join(problems)}")
    return content


def project_template(path: str, plan: Plan) -> str:
    """The template that the file `path` of a project is rendered from."""
    return PROJECT_FILES[path][0 if plan.has_web_interface else -1]


def page(environment: jinja2.Environment, plan: Plan, module: ModulePlan) -> str:
    """The page of `module`, a template of Flask; raises `TemplateProblem`."""
    return _rendered(
        environment,
        PAGE,
        {"project": _page_text(plan.project), "lead": _page_text(module.description), "stem": module.stem},
    )


def place_in_template(error: BaseException, environment: jinja2.Environment) -> tuple[str, int] | None:
    """The template and the line of it in which `error` arose; None where it was in none."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.name or "", error.lineno
    folders = environment.loader.searchpath if isinstance(environment.loader, jinja2.FileSystemLoader) else ()
    places = [
        (Path(frame.filename).relative_to(folder).as_posix(), frame.lineno or 0)
        for frame in traceback.extract_tb(error.__traceback__)
        for folder in folders
        if frame.filename.endswith(_SUFFIX) and Path(frame.filename).is_relative_to(folder)
    ]
    return places[-1] if places else None


def _rendered(environment: jinja2.Environment, name: str, variables: Mapping[str, object]) -> str:
    try:
        return environment.get_template(name).render(variables)
    # A template may call what its variables have, and that may raise anything.
    except Exception as error:
        place = place_in_template(error, environment)
        where = f"{place[0]}, line {place[1]}" if place else name
        raise TemplateProblem(f"{where}: {error or type(error).__name__}") from error


def _variables(inputs: Inputs) -> dict[str, object]:
    plan = inputs.made_plan
    modules = _offered(inputs)
    serving = sorted((module for module in modules if module.routes), key=lambda module: module.stem)
    asked = {route.path for module in modules for route in module.routes if route.method == "GET"}
    functions = {function.name for module in modules for function in module.functions}
    requirements = _requirements(inputs)
    return {
        "project": plan.project,
        "summary": _one_line(plan.summary),
        "idea": _one_line(inputs.order.idea),
        "is_web": plan.has_web_interface,
        "modules": modules,
        "serving": serving,
        "serves_health": any(path.rstrip("/") == "/health" for path in asked),
        "pages": sorted(path for path in asked if "<" not in path and path.rstrip("/") != "/health"),
        "reading": sorted(name for name in functions if _changes_nothing(name)),
        "requirements": requirements,
        "package_name": _package_name(plan.project, requirements),
        "folders": sorted({"static", "templates"} & {path.partition("/")[0] for path in inputs.files}),
    }


def _offered(inputs: Inputs) -> tuple[OfferedModule, ...]:
    """The modules in build order, each under a name that nothing else in main.py has."""
    plan = inputs.made_plan
    taken = {module.stem for module in plan.modules} | _NAMES_IN_USE
    offered = []
    for module in plan.in_build_order():
        here = module.stem
        if here in _NAMES_IN_USE:
            while here in taken:
                here = f"{here}_module"
            taken.add(here)
        api = inputs.apis[module.name]
        offered.append(OfferedModule(module.name, module.stem, here, api.functions, api.routes))
    return tuple(offered)


def _requirements(inputs: Inputs) -> tuple[str, ...]:
    """What has to be installed. Modules are told to use nothing but Flask, and what else they import is
    never taken for the name of a package: a stranger may own that in the package index.
    """
    needs_flask = inputs.made_plan.has_web_interface or any(
        found.module in _COMES_WITH_FLASK
        for module in inputs.made_plan.modules
        for found in imports(parse_python(inputs.files[module.filename]))
    )
    return (_FLASK,) if needs_flask else ()


def _package_name(project: str, requirements: tuple[str, ...]) -> str:
    """`project` as PEP 503 wants it; never the name of a package that it needs, or that Python has."""
    plain = unicodedata.normalize("NFKD", project).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST_NAME].strip("-") or "application"
    needed = {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in requirements}
    return f"{name}-application" if name in needed | sys.stdlib_module_names else name


def _changes_nothing(function: str) -> bool:
    """Whether a function of that name only tells something; `get_or_create_tag` may do more."""
    return function.partition("_")[0] in _READING and "_or_" not in function


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _page_text(text: str) -> Markup:
    """`text` for a page that is a template: neither HTML nor Jinja finds anything of its own in it."""
    return Markup(str(escape(_one_line(text))).replace("{", "&#123;"))  # noqa: S704 (it is escaped)


def _problems(path: str, content: str, inputs: Inputs) -> Iterator[str]:
    """What is wrong with a rendered file that can be read; raises where it cannot."""
    plan = inputs.made_plan
    if path == ENTRY_POINT:
        yield from entry_point_problems(content, plan, inputs)
    elif path == REQUIREMENTS:
        yield from requirements_problems(content, plan)
    elif path.endswith(".py"):
        parse_python(content)
    elif path.endswith(".toml"):
        tomllib.loads(content)
