"""The frontend developer: writes the page of one web module, with its style and script."""

from __future__ import annotations

import re

from agents.agent_developer import PAGE_VARIABLES
from agents.answers import fenced, fenced_blocks
from agents.blackboard import FileKind, FileWritten
from agents.conversation import Attempt, Steps, UnusableAnswer, ask, start_dialogue
from agents.plan import ModulePlan
from agents.project import Inputs, describe_api, describe_project
from agents.prompts import MODULE_SECTION, as_yaml, prompt
from agents.roles import Role

__all__ = ["build_page"]

_INSTRUCTIONS = """
You write the page of one module of a Flask application: semantic HTML as a Jinja template, readable on
small and large screens, with its own style sheet and, where it needs one, a script. No frameworks, nothing
that is loaded from elsewhere.
"""

# `html.parser` takes time that grows with the square of what it cannot make sense of.
_WHOLE_PAGE_TAG = re.compile(r"<(html|head|body)(?=[\s>])", re.IGNORECASE)


def build_page(module: ModulePlan, inputs: Inputs, journal: list[Attempt]) -> Steps[tuple[FileWritten, ...]]:
    """Write the template, style sheet and script of `module`."""
    task = prompt(
        [
            ("Project", describe_project(inputs.made_plan)),
            (MODULE_SECTION, as_yaml(module.as_dict())),
            ("API of this module", describe_api(inputs.apis[module.name])),
            (
                "Task",
                f"Write the page of {module.name}. The template is given {PAGE_VARIABLES}. "
                f"It links its style sheet as {{{{ url_for('static', filename='{module.stem}.css') }}}} "
                f"and, if there is one, its script as "
                f"{{{{ url_for('static', filename='{module.stem}.js') }}}}.\n"
                "Answer with a fenced block each: html (the whole page), css, and js where needed.",
            ),
        ]
    )
    dialogue = start_dialogue(Role.FRONTEND_DEVELOPER, module.name, _INSTRUCTIONS, task, journal)
    return ask(dialogue, lambda text: _read(text, module))


def _read(text: str, module: ModulePlan) -> tuple[FileWritten, ...]:
    page = fenced(text, "html", "jinja", "jinja2", "html+jinja") or _unlabelled_page(text)
    if page is None:
        raise UnusableAnswer("there is no fenced html block with the page")
    missing = {"html", "head", "body"} - {tag.lower() for tag in _WHOLE_PAGE_TAG.findall(page)}
    if missing:
        raise UnusableAnswer(f"the page is not whole: it lacks {', '.join(sorted(missing))}")
    files = [_file(f"templates/{module.stem}.html", page)]
    for path, languages in (
        (f"static/{module.stem}.css", ("css",)),
        (f"static/{module.stem}.js", ("js", "javascript")),
    ):
        content = fenced(text, *languages)
        if content and content.strip():
            files.append(_file(path, content))
        elif path.rpartition("/")[2] in page:
            raise UnusableAnswer(f"the page links {path}, and there is no fenced {languages[0]} block")
    return tuple(files)


def _file(path: str, content: str) -> FileWritten:
    return FileWritten(path, content.strip() + "\n", FileKind.FRONTEND)


def _unlabelled_page(text: str) -> str | None:
    bodies = (block.body for block in fenced_blocks(text) if not block.language)
    return next((body for body in bodies if _WHOLE_PAGE_TAG.search(body)), None)
