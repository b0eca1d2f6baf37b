"""The integrator: writes `main.py`, which puts the modules together, and names the packages it needs."""

from __future__ import annotations

import re
import sys
from collections import Counter

from agents.answers import fenced, fenced_blocks, parse_python, python_code
from agents.blackboard import FileWritten
from agents.conversation import Attempt, Steps, UnusableAnswer, ask, start_dialogue
from agents.plan import Plan
from agents.project import Inputs, describe_project
from agents.prompts import as_yaml, prompt
from agents.roles import Role
from agents.source import defined_names, imports, relative_imports

__all__ = ["ENTRY_POINT", "REQUIREMENTS", "entry_point_problems", "integrate", "requirements_problems"]

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

_VERSION = r"(?:===?|[<>!~]=|[<>])\s*+[A-Za-z0-9.*+!-]++\s*+"
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*+)(?:\[[A-Za-z0-9,._-]++\])?+\s*+"
    rf"(?:{_VERSION}(?:,\s*+{_VERSION})*+)?+"
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


def entry_point_problems(code: str, plan: Plan, inputs: Inputs) -> list[str]:
    """What is wrong with `code` as main.py, next to the modules in `inputs.files`."""
    tree = parse_python(code)
    defined = defined_names(tree)
    imported = list(imports(tree))
    problems = [
        f"main.py must define {name}"
        for name in (("create_app", "app") if plan.has_web_interface else ("main",))
        if name not in defined
    ]
    problems += relative_imports(tree)
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


def requirements_problems(content: str, plan: Plan) -> list[str]:
    """What is wrong with `content` as requirements.txt."""
    problems: list[str] = []
    names: Counter[str] = Counter()
    for line in _requirement_lines(content):
        match = _REQUIREMENT.fullmatch(line)
        if match is None:
            problems.append(f"{line!r} is not a line of requirements.txt")
            continue
        name = match["name"].lower().replace("_", "-")
        names[name] += 1
        # A stranger may own that name in the package index.
        if name in sys.stdlib_module_names or name in {module.stem for module in plan.modules}:
            problems.append(f"{name} is no package to install; leave it out of requirements.txt")
    problems += [f"requirements.txt names {name} twice" for name, count in names.items() if count > 1]
    if plan.has_web_interface and "flask" not in names:
        problems.append("requirements.txt must name Flask")
    return problems


def _read(text: str, plan: Plan, inputs: Inputs) -> tuple[FileWritten, ...]:
    code = python_code(text)
    needed = _requirements_block(text)
    problems = [*entry_point_problems(code, plan, inputs), *requirements_problems(needed, plan)]
    if problems:
        raise UnusableAnswer("; ".join(problems))
    lines = sorted(_requirement_lines(needed), key=str.lower)
    requirements = "".join(f"{line}\n" for line in lines) or "# only the standard library is needed\n"
    return FileWritten(ENTRY_POINT, code), FileWritten(REQUIREMENTS, requirements)


def _requirements_block(text: str) -> str:
    """The body of the block with requirements.txt; without a language, a block that reads as one."""
    labelled = fenced(text, "text", "txt", "requirements", "requirements.txt", "plaintext", "pip")
    if labelled is not None:
        return labelled
    unlabelled = (block.body for block in fenced_blocks(text) if not block.language)
    return next(
        (body for body in unlabelled if all(map(_REQUIREMENT.fullmatch, _requirement_lines(body)))), ""
    )


def _requirement_lines(content: str) -> list[str]:
    """The requirements in `content`, each once, without comments."""
    lines = (line.partition("#")[0].strip() for line in content.splitlines())
    return list(dict.fromkeys(line for line in lines if line))
