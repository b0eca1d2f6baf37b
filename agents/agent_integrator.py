"""The integrator: writes `main.py`, which puts the modules together, and names the packages it needs."""

from __future__ import annotations

import re

from agents.answers import fenced, parse_python, python_code
from agents.blackboard import FileWritten
from agents.conversation import Attempt, Steps, UnusableAnswer, ask, start_dialogue
from agents.plan import Plan
from agents.project import Inputs, describe_project
from agents.prompts import as_yaml, prompt
from agents.roles import Role
from agents.source import defined_names, imports

__all__ = ["ENTRY_POINT", "REQUIREMENTS", "integrate"]

ENTRY_POINT = "main.py"
REQUIREMENTS = "requirements.txt"

_INSTRUCTIONS = """
You put the finished modules of an application together in main.py and name the packages it needs.
"""

_WEB = """
Write main.py: `create_app()` returns the Flask application with the blueprint of every module that has routes
(each is named `blueprint` in its module), and `app = create_app()` stands at top level. Run as a script it
serves on 127.0.0.1, port 5000 or the environment variable PORT.
"""

_COMMAND_LINE = """
Write main.py: `main(argv: list[str] | None = None) -> int` reads the command line with argparse, offers the
functions of the modules as sub-commands and returns the exit code. Run as a script it exits with that code.
"""

_FORM = """
Answer with two fenced blocks: python with the whole of main.py, then text with requirements.txt, one
package a line; leave the second empty where only the standard library is needed.
"""

_REQUIREMENT = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?\s*([<>=!~]=?\s*[A-Za-z0-9.*+!-]+\s*,?\s*)*"
)


def integrate(inputs: Inputs, journal: list[Attempt]) -> Steps[tuple[FileWritten, ...]]:
    """Write `main.py` and `requirements.txt`; `inputs.files` holds the source of every module."""
    plan = inputs.made_plan
    modules = {
        module.name: {
            "import": module.stem,
            "requires": list(module.requires),
            **inputs.apis[module.name].as_dict(),
        }
        for module in plan.in_build_order()
    }
    task = prompt(
        [
            ("Project", describe_project(plan)),
            ("Modules", as_yaml(modules)),
            ("Files", "\n".join(sorted(inputs.files))),
            ("Task", (_WEB if plan.has_web_interface else _COMMAND_LINE).strip() + "\n" + _FORM),
        ]
    )
    dialogue = start_dialogue(Role.INTEGRATOR, None, _INSTRUCTIONS, task, journal)
    return ask(dialogue, lambda text: _read(text, plan, inputs))


def _read(text: str, plan: Plan, inputs: Inputs) -> tuple[FileWritten, ...]:
    code = python_code(text)
    problems = _entry_point_problems(code, plan, inputs)
    needed = fenced(text, "text", "txt", "requirements", "plaintext") or ""
    lines = sorted({line.strip() for line in needed.splitlines() if line.strip()}, key=str.lower)
    problems += [
        f"{line!r} is not a line of requirements.txt" for line in lines if not _REQUIREMENT.fullmatch(line)
    ]
    if plan.has_web_interface and not any(line.lower().startswith("flask") for line in lines):
        problems.append("requirements.txt must name Flask")
    if problems:
        raise UnusableAnswer("; ".join(problems))
    requirements = "".join(f"{line}\n" for line in lines) or "# only the standard library is needed\n"
    return FileWritten(ENTRY_POINT, code), FileWritten(REQUIREMENTS, requirements)


def _entry_point_problems(code: str, plan: Plan, inputs: Inputs) -> list[str]:
    tree = parse_python(code)
    defined = defined_names(tree)
    imported = list(imports(tree))
    problems = [
        f"main.py must define {name}"
        for name in (("create_app", "app") if plan.has_web_interface else ("main",))
        if name not in defined
    ]
    for module in plan.modules:
        names = defined_names(parse_python(inputs.files[module.filename]))
        taken = [found for found in imported if found.module == module.stem]
        problems += [
            f"line {found.line}: {module.filename} defines no {found.name}"
            for found in taken
            if found.name not in (None, "*") and found.name not in names
        ]
        if inputs.apis[module.name].routes and not taken:
            problems.append(f"main.py must register the blueprint of {module.stem}")
    return problems
