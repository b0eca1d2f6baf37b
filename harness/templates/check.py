"""Templates held against what is asked of them: they render for every module, and yield sound files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2

from agents.project import Inputs
from async_arch.module_templates import ModuleTemplates
from async_arch.project_templates import (
    PAGE,
    PROJECT_FILES,
    page,
    place_in_template,
    project_file,
    project_template,
)
from async_arch.template_environment import TemplateProblem
from harness.errors import SurroundingsError
from harness.templates.inventory import (
    list_templates,
    module_template,
    open_templates,
    references,
    template_source,
)
from harness.templates.samples import SAMPLES, described, stub

__all__ = ["CheckedTemplates", "TemplateFault", "check_templates"]

_RUFF_TIMEOUT_S = 30.0
_LONGEST_TEXT = 80


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """What is wrong with a template: `line` is that of the template, None where it cannot be told.

    `yielded` is the place in what it yields and the text there, `sample` what it was rendered for first, and
    `samples` for how many it was.
    """

    template: str
    line: int | None
    reason: str
    yielded: str = ""
    sample: str = ""
    samples: int = 0

    @property
    def place(self) -> str:
        """The template and, where it is known, the line."""
        return self.template if self.line is None else f"{self.template}, line {self.line}"


@dataclass(frozen=True, slots=True)
class CheckedTemplates:
    """What came of a check: how many templates there are and files they yielded, and what is wrong."""

    templates: int
    files: int
    ruff: bool
    """Whether ruff was there to look at the files."""
    faults: tuple[TemplateFault, ...]


@dataclass(frozen=True, slots=True)
class _Yield:
    """A file of a sample `project`, and what it was rendered for; `template` is None where none yields it."""

    template: str | None
    project: str
    sample: str
    path: str
    content: str


def check_templates(overrides: Path | None = None) -> CheckedTemplates:
    """Render every template for sample modules, and look at what it yields.

    Raises `BadInputError` where `overrides` is no folder of templates, `SurroundingsError` where ruff fails.
    """
    environment = open_templates(overrides)
    names = [facts.name for facts in list_templates(overrides)]
    faults = [fault for name in names for fault in _unreadable(environment, name)]
    yielded: list[_Yield] = []
    # A template that cannot be read fails wherever it is used, for the reason that is known already.
    if not faults:
        for sample, inputs in SAMPLES.items():
            for found in _rendered(environment, ModuleTemplates(overrides), sample, inputs):
                if isinstance(found, TemplateFault):
                    faults.append(found)
                else:
                    yielded.append(found)
    sound = []
    for file in yielded:
        fault = _unsound(environment, file)
        faults += [fault] if fault else []
        sound += [] if fault else [file]
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    faults += _styled(environment, ruff, sound) if ruff and sound else []
    count = sum(file.template is not None for file in yielded)
    return CheckedTemplates(len(names), count, ruff is not None, _each_once(faults))


def _unreadable(environment: jinja2.Environment, name: str) -> Iterator[TemplateFault]:
    try:
        environment.get_template(name)
    except jinja2.TemplateSyntaxError as error:
        yield TemplateFault(error.name or name, error.lineno, str(error.message))
    except UnicodeDecodeError as error:
        yield TemplateFault(name, None, f"is no text in UTF-8: {error.reason} at byte {error.start}")
    except OSError as error:
        yield TemplateFault(name, None, f"cannot be read: {error.strerror}")


def _rendered(
    environment: jinja2.Environment, templates: ModuleTemplates, sample: str, inputs: Inputs
) -> Iterator[_Yield | TemplateFault]:
    """What the templates yield for a sample project: modules, then what puts them together, then pages."""
    plan = inputs.made_plan
    sources = {}
    for module in plan.modules:
        template = module_template(module.module_type)
        what = f"{described(module, inputs)}, in a {sample}"
        skeleton = None
        try:
            skeleton = templates.skeleton(module, inputs)
        except TemplateProblem as error:
            yield _fault(environment, template, what, error)
        source = skeleton.source if skeleton else stub(module, inputs)
        sources[module.filename] = source
        yield _Yield(template if skeleton else None, sample, what, module.filename, source)
    whole = replace(inputs, files=sources)
    for path in PROJECT_FILES:
        template = project_template(path, plan)
        try:
            yield _Yield(template, sample, sample, path, project_file(environment, path, whole))
        except TemplateProblem as error:
            yield _fault(environment, template, sample, error)
    if plan.has_web_interface:
        try:
            shown = page(environment, plan, plan.modules[-1])
            environment.parse(shown)
            yield _Yield(PAGE, sample, sample, f"templates/{plan.modules[-1].stem}.html", shown)
        except jinja2.TemplateSyntaxError as error:
            reason = f"what it yields is no template of Flask: {error.message}"
            yield TemplateFault(PAGE, None, reason, f"line {error.lineno}: ", sample, 1)
        except TemplateProblem as error:
            yield _fault(environment, PAGE, sample, error)


def _fault(
    environment: jinja2.Environment, template: str, sample: str, problem: TemplateProblem
) -> TemplateFault:
    cause: BaseException = problem
    while cause.__cause__ is not None:
        cause = cause.__cause__
    # An answer that is no Python says so by itself, and hides what the parser said.
    if isinstance(cause.__context__, SyntaxError):
        cause = cause.__context__
    if isinstance(cause, SyntaxError):
        text = (cause.text or "").strip()
        name, line = _origin(environment, template, text)
        return TemplateFault(name, line, _no_python(cause), _yielded("", cause.lineno or 1, text), sample, 1)
    place = place_in_template(cause, environment)
    name, line = place or (template, None)
    # The problem names file and line by itself.
    said = re.sub(rf"\A.*?{re.escape(name)}(, line \d+)?:? ", "", str(problem))
    return TemplateFault(name, line, said, "", sample, 1)


def _unsound(environment: jinja2.Environment, file: _Yield) -> TemplateFault | None:
    """What keeps a yielded source from being compiled."""
    if file.template is None or not file.path.endswith(".py"):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compile(file.content, file.path, "exec", dont_inherit=True)
    except SyntaxError as error:
        return _about(environment, file, file.template, error.lineno or 1, _no_python(error))
    except (ValueError, RecursionError, MemoryError) as error:
        return _about(environment, file, file.template, 1, str(error) or type(error).__name__)
    return None


def _styled(environment: jinja2.Environment, ruff: str, files: list[_Yield]) -> list[TemplateFault]:
    """What ruff finds in the sources, with its own defaults."""
    with tempfile.TemporaryDirectory(prefix="templates-") as temporary:
        by_path = {}
        for file in files:
            target = Path(temporary, file.project, file.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.content, encoding="utf-8")
            by_path[str(target.resolve())] = file
        # Where it finds the modules of a project, for their imports come after those of packages.
        own = json.dumps(sorted({str(Path(temporary, file.project)) for file in files}))
        command = [ruff, "check", "--isolated", "--no-cache", "--output-format", "json", "--config"]
        try:
            done = subprocess.run(  # noqa: S603 (ruff, with a folder of our own)
                [*command, f"src={own}", temporary],
                capture_output=True,
                text=True,
                timeout=_RUFF_TIMEOUT_S,
                check=False,
            )
            found = json.loads(done.stdout)
        except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as error:
            raise SurroundingsError(f"{ruff}: did not look at what the templates yield: {error}") from error
        # 0 and 1 are its verdicts.
        if done.returncode not in (0, 1):
            said = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
            raise SurroundingsError(f"{ruff}: did not look at what the templates yield: {said}")
    return [
        _about(environment, file, template, at["location"]["row"], f"ruff {at['code']}: {at['message']}")
        for at in found
        for file in [by_path[at["filename"]]]
        for template in [file.template]
        if template is not None
    ]


def _about(
    environment: jinja2.Environment, file: _Yield, template: str, line: int, reason: str
) -> TemplateFault:
    """A fault on a line of what a template yields, which is looked for in the template."""
    lines = file.content.splitlines()
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    name, at = _origin(environment, template, text)
    return TemplateFault(name, at, reason, _yielded(file.path, line, text), file.sample, 1)


def _no_python(error: SyntaxError) -> str:
    return f"what it yields is not Python: {error.msg}"


def _yielded(path: str, line: int, text: str) -> str:
    return f"{f'{path}, ' if path else ''}line {line}: {text[:_LONGEST_TEXT]}"


def _origin(environment: jinja2.Environment, template: str, text: str) -> tuple[str, int | None]:
    """Where `text` stands in a template or in what that names: the one place, or no line."""
    names, waiting = [template], [template]
    while waiting:
        new = sorted(references(environment, waiting.pop()) - {*names})
        names += new
        waiting += new
    places = [
        (name, number)
        for name in names
        for number, line in enumerate(template_source(environment, name)[1].splitlines(), 1)
        if text and line.strip() == text
    ]
    return places[0] if len(places) == 1 else (template, None)


def _each_once(faults: list[TemplateFault]) -> tuple[TemplateFault, ...]:
    """The faults, each with the first of the samples that show it."""
    found: dict[tuple[object, ...], TemplateFault] = {}
    for fault in faults:
        key = (fault.template, fault.line, fault.reason, fault.yielded.partition(": ")[2])
        first = found.setdefault(key, fault)
        if first is not fault:
            found[key] = replace(first, samples=first.samples + 1)
    return tuple(found.values())
