"""The debugger: looks at the whole project, with what an inspection found, and mends it.

Nothing is executed: an inspection reads the files only.
"""

from __future__ import annotations

import re
from dataclasses import replace

from agents.agent_integrator import ENTRY_POINT, REQUIREMENTS, entry_point_problems, requirements_problems
from agents.answers import fenced_blocks, mapping
from agents.blackboard import FileKind, FileWritten
from agents.conversation import Attempt, Steps, UnusableAnswer, ask, start_dialogue
from agents.project import Inputs, describe_project
from agents.prompts import prompt
from agents.roles import Role
from agents.source import check_module, inspect_project

__all__ = ["debug"]

_INSTRUCTIONS = """
You look at a finished application as a whole, with the findings of an inspection, and mend what is broken.
"""

_FORM = """
Where nothing needs mending, answer with a fenced YAML block:

```yaml
status: ok
```

Else answer with one fenced block for each file that changes, holding the whole file, its first line a
comment that names it, such as `# file: orders.py`. Only files that are there may be changed.
"""

_FILE_LINE = re.compile(r"\W*+file(?:name)?: *+(?P<path>[\w./-]++)\W*+", re.IGNORECASE)


def debug(inputs: Inputs, journal: list[Attempt]) -> Steps[tuple[FileWritten, ...]]:
    """Mend the project in `inputs.files` (all of it); returns the files that were changed."""
    plan = inputs.made_plan
    findings = inspect_project(inputs.files, plan)
    shown = [path for path in sorted(inputs.files) if path == ENTRY_POINT or _is_named(path, findings)]
    task = prompt(
        [
            ("Project", describe_project(plan)),
            ("Files", "\n".join(sorted(inputs.files))),
            ("Findings", "\n".join(f"- {finding}" for finding in findings) or "none"),
            *((f"Source of {path}", f"````\n{inputs.files[path]}````") for path in shown),
            ("Task", "Mend the application.\n" + _FORM),
        ]
    )
    dialogue = start_dialogue(Role.DEBUGGER, None, _INSTRUCTIONS, task, journal)
    return ask(dialogue, lambda text: _read(text, inputs, findings))


def _is_named(path: str, findings: tuple[str, ...]) -> bool:
    return any(re.search(rf"(?<![\w/]){re.escape(path)}\b", finding) for finding in findings)


def _read(text: str, inputs: Inputs, findings: tuple[str, ...]) -> tuple[FileWritten, ...]:
    changed = _changed_files(text, inputs)
    if not changed:
        _expect_ok(text)
    mended = replace(inputs, files={**inputs.files, **{file.path: file.content for file in changed}})
    left = inspect_project(mended.files, inputs.made_plan) if changed else findings
    if left:
        raise UnusableAnswer("the inspection still finds: " + "; ".join(left))
    broken = [problem for file in changed for problem in _broken_promises(file, mended)]
    if broken:
        raise UnusableAnswer("; ".join(broken))
    return changed


def _expect_ok(text: str) -> None:
    try:
        status = str(mapping(text, having="status")["status"]).lower()
    except UnusableAnswer:
        raise UnusableAnswer(
            "there is neither `status: ok` nor a fenced block whose first line names its file"
        ) from None
    if status != "ok":
        raise UnusableAnswer(f"'status' is {status!r} and no file is given; mend it or answer ok")


def _broken_promises(file: FileWritten, inputs: Inputs) -> list[str]:
    """What a rewritten file no longer is of what its author had to make it."""
    plan = inputs.made_plan
    if file.path == ENTRY_POINT:
        return entry_point_problems(file.content, plan, inputs)
    if file.path == REQUIREMENTS:
        return requirements_problems(file.content, plan)
    try:
        for module in plan.modules:
            if module.filename == file.path:
                # Routes may go: where two modules serve the same one, that is how it is mended.
                api = replace(inputs.apis[module.name], routes=())
                check_module(file.content, module, plan, {**inputs.apis, module.name: api})
    except UnusableAnswer as error:
        return [f"{file.path}: {error}"]
    return []


def _changed_files(text: str, inputs: Inputs) -> tuple[FileWritten, ...]:
    changed = []
    for block in fenced_blocks(text):
        first, _, rest = block.body.lstrip("\n").partition("\n")
        match = _FILE_LINE.fullmatch(first)
        if match is None:
            continue
        path = match["path"]
        if path not in inputs.files:
            raise UnusableAnswer(
                f"{path} is not a file of the project; only files that are there may be changed"
            )
        kind = FileKind.FRONTEND if path.startswith(("templates/", "static/")) else FileKind.SOURCE
        changed.append(FileWritten(path, rest.strip("\n") + "\n", kind))
    return tuple(changed)
