"""What the templates yield for a spec before any model is asked, with placeholders where it would decide."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.conversation import UnusableAnswer
from agents.gaps import Skeleton
from agents.plan import ModulePlan, ModuleType, Plan, default_filename, read_plan
from agents.project import Inputs
from async_arch.module_templates import ModuleTemplates
from async_arch.project_templates import PROJECT_FILES, project_template
from async_arch.template_environment import TemplateProblem
from harness.errors import BadInputError
from harness.spec import Spec
from harness.templates.inventory import module_template, open_templates
from harness.templates.samples import stub

__all__ = ["PLACEHOLDERS", "Preview", "PreviewedFile", "ShownGap", "preview", "write_preview"]

PLACEHOLDERS = (
    "No model was asked. Where the analyst would decide, the project is called like the spec and a module "
    "without a type is a service; where the architect would, every module has the same placeholder API: "
    "add_entry, get_entry and list_entries, in a web application with a route each; a page has page_groups "
    "and one route."
)
"""What is not from the spec."""

_ENTRIES = (
    FunctionSpec("add_entry(text: str) -> dict", "Add an entry."),
    FunctionSpec("get_entry(entry_id: int) -> dict", "Give the entry with this id."),
    FunctionSpec("list_entries() -> list", "List the entries."),
)
_GROUPS = (FunctionSpec("page_groups() -> list", "Give what the page shows, in groups."),)


@dataclass(frozen=True, slots=True)
class ShownGap:
    """A gap with the line of the file on which it stands."""

    name: str
    kind: str
    line: int
    does: str


@dataclass(frozen=True, slots=True)
class PreviewedFile:
    """A file that a template yields, with the gaps that a model would fill."""

    path: str
    template: str
    content: str
    gaps: tuple[ShownGap, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What the templates yield for a spec; `whole` are the files that a model would write whole."""

    spec: str
    files: tuple[PreviewedFile, ...]
    whole: tuple[str, ...]
    placeholders: str = PLACEHOLDERS


def preview(spec: Spec, overrides: Path | None = None, module: str | None = None) -> Preview:
    """What the templates yield for `spec`, or for one module of it.

    Raises `BadInputError` where the spec names no modules or not that one, or a template cannot be used.
    """
    open_templates(overrides)
    plan = _plan(spec)
    names = [planned.name for planned in plan.modules]
    if module is not None and module not in names:
        raise BadInputError(f"{module!r} is not a module of {spec.name}; there are {', '.join(names)}")
    inputs = Inputs(spec.order, plan, {planned.name: _api(planned, plan) for planned in plan.modules})
    templates = ModuleTemplates(overrides)
    try:
        skeletons = {planned.name: templates.skeleton(planned, inputs) for planned in plan.modules}
        files = [
            PreviewedFile(
                planned.filename, module_template(planned.module_type), skeleton.source, _gaps(skeleton)
            )
            for planned in plan.modules
            if (skeleton := skeletons[planned.name]) is not None and module in (None, planned.name)
        ]
        if module is None:
            sources = {
                planned.filename: skeleton.source if skeleton else stub(planned, inputs)
                for planned in plan.modules
                for skeleton in [skeletons[planned.name]]
            }
            rendered = templates.project_files(replace(inputs, files=sources)) or {}
            files += [
                PreviewedFile(path, project_template(path, plan), rendered[path])
                for path in PROJECT_FILES
                if path in rendered
            ]
    except TemplateProblem as problem:
        raise BadInputError(f"{overrides or 'templates'}: {problem}") from problem
    return Preview(spec.name, tuple(files), _whole(plan, skeletons, module))


def write_preview(shown: Preview, output: Path) -> None:
    """Write the files to the folder `output`, all or none; `BadInputError` where something is there."""
    try:
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise BadInputError(f"{output}: there is something already; give a new folder")
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
            whole = Path(temporary, "files")
            for file in shown.files:
                target = whole / file.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(file.content, encoding="utf-8")
            whole.rename(output)
    except OSError as error:
        raise BadInputError(f"{output}: cannot be written: {error.strerror}") from error


def _plan(spec: Spec) -> Plan:
    if not spec.modules:
        raise BadInputError(
            f"{spec.name}: the spec names no modules, and only a model could; add modules with their types"
        )
    modules = [
        {
            "name": hint.name,
            "filename": default_filename(hint.name),
            "module_type": (hint.module_type or ModuleType.SERVICE).value,
            "description": hint.description,
            "requires": list(hint.requires),
        }
        for hint in spec.order.hints
    ]
    try:
        return read_plan({"project": spec.name, "summary": spec.idea, "modules": modules})
    except UnusableAnswer as problem:
        raise BadInputError(f"{spec.name}: {problem}") from problem


def _api(module: ModulePlan, plan: Plan) -> ModuleApi:
    prefix = f"/{module.stem.replace('_', '-')}"
    if module.module_type is ModuleType.WEB_INTERFACE:
        return ModuleApi(_GROUPS, (RouteSpec("GET", prefix, "The page, with page_groups."),))
    routes = (
        RouteSpec("POST", prefix, "add_entry from the JSON body, answers 201"),
        RouteSpec("GET", f"{prefix}/<int:entry_id>", "get_entry, or 404"),
        RouteSpec("GET", prefix, "list_entries as JSON"),
    )
    return ModuleApi(_ENTRIES, routes if plan.has_web_interface else ())


def _gaps(skeleton: Skeleton) -> tuple[ShownGap, ...]:
    return tuple(
        ShownGap(gap.name, gap.kind.value, skeleton.places[gap.name].lineno, gap.does)
        for gap in skeleton.gaps
    )


def _whole(plan: Plan, skeletons: dict[str, Skeleton | None], only: str | None) -> tuple[str, ...]:
    """The files that a model writes whole, pages among them."""
    files = []
    for module in plan.modules:
        if only not in (None, module.name):
            continue
        if skeletons[module.name] is None:
            files.append(module.filename)
        if module.module_type is ModuleType.WEB_INTERFACE:
            files.append(f"templates/{module.stem}.html")
    return tuple(files)
