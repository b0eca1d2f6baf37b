"""The simulated model carries whole projects: a capable model passes at once, whatever the idea."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agents.conversation import AttemptStatus
from agents.roles import Role

if TYPE_CHECKING:
    from conftest import Build

EXAMPLES = ["ecommerce", "clinic", "notes_cli"]
IDEAS = [
    "a todo list with user accounts and email reminders",
    "a command-line tool that converts CSV to JSON",
    "Ein Forum",
    "???",
    "A library with books, members and loans. Staff has an admin page with statistics.",
    "Приложение для учёта расходов \U0001f642 {{ 1 }} \"'\\ <b>&",
]


@pytest.mark.parametrize("what", EXAMPLES + IDEAS)
def test_every_answer_is_accepted_at_once(what: str, built: Callable[[str], Build]) -> None:
    """No task fails, no answer is refused, and the debugger finds nothing to mend."""
    build = built(what)

    assert build.failures == []
    assert [(a.role, a.module, a.error) for a in build.attempts if a.status is not AttemptStatus.OK] == []
    assert "status: ok" in build.attempts[-1].answer


@pytest.mark.parametrize("what", EXAMPLES + IDEAS)
def test_what_is_built_is_clean(what: str, built: Callable[[str], Build], tmp_path: Path) -> None:
    """The generated files compile, and neither linter nor formatter has anything to say about them."""
    folder = built(what).write_to(tmp_path)

    ruff = [sys.executable, "-m", "ruff"]
    checks = ([*ruff, "check", "-q", "--isolated", "."], [*ruff, "format", "-q", "--isolated", "--diff", "."])
    for check in ([sys.executable, "-m", "compileall", "-q", "."], *checks):
        done = subprocess.run(check, cwd=folder, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stdout) == (0, "")


def test_a_specified_project_keeps_its_modules(built: Callable[[str], Build]) -> None:
    """The plan of an example holds the modules asked for, no more and no fewer, as they were asked for."""
    for example in EXAMPLES:
        build = built(example)
        planned = [(m.name, m.module_type, m.description, m.requires) for m in build.made_plan.modules]
        assert planned == [(h.name, h.module_type, h.description, h.requires) for h in build.order.hints]


def test_some_first_drafts_are_revised_once(built: Callable[[str], Build]) -> None:
    """A review that asks for a change gets it, and the next review approves: in some modules, not in most."""
    reviewed = [a for what in EXAMPLES for a in built(what).attempts if a.role is Role.REVIEWER]
    modules = sum(len(built(what).made_plan.modules) for what in EXAMPLES)
    revised = [a for a in reviewed if "verdict: revise" in a.answer]

    assert 0 < len(revised) < modules / 2
    assert len(reviewed) == modules + len(revised)
    for example in EXAMPLES:
        assert "must be a text that is not empty" not in _without_strip(built(example))


def _without_strip(build: Build) -> str:
    """The sources whose check of texts was left as in a first draft that overlooked blanks."""
    return "".join(source for source in build.files.values() if "or not value:\n" in source)


def test_the_optimizer_rewrites_some_modules_and_leaves_others(built: Callable[[str], Build]) -> None:
    """Its changes are visible in the files, and it does not change for the sake of it."""
    answers = [a.answer for a in built("ecommerce").attempts if a.role is Role.OPTIMIZER]

    assert any("```python" in answer for answer in answers)
    assert any(answer.startswith("NO CHANGE") for answer in answers)
    assert not any(".append(row)" in source for source in built("ecommerce").files.values())


def test_an_audit_may_ask_for_a_better_plan(built: Callable[[str], Build]) -> None:
    """A module that the first plan left unused is used in the second, which is approved."""
    build = built("Ein Forum")
    audits = [attempt.answer for attempt in build.attempts if attempt.role is Role.AUDITOR]

    assert ["revise" in answer for answer in audits] == [True, False]
    assert "Nothing uses Posts" in audits[0]
    assert "Posts" in build.made_plan.module("Pages").requires
