"""The debugger mends applications that are broken, through the agent that asks it to."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from agents import agent_debugger
from agents.blackboard import FileWritten
from agents.conversation import Attempt, ModelReply, ModelRequest
from agents.drivers import drive
from agents.project import Inputs
from agents.source import inspect_project

if TYPE_CHECKING:
    from conftest import Build

Ask = Callable[[ModelRequest], ModelReply]


def debugged(build: Build, broken: dict[str, str], ask: Ask) -> tuple[dict[str, str], int]:
    """The files after the debugger looked at them, and how often it had to be asked."""
    files = {**build.files, **broken}
    journal: list[Attempt] = []
    inputs = Inputs(build.order, build.plan, build.apis, files)
    changed: tuple[FileWritten, ...] = drive(agent_debugger.debug(inputs, journal), ask)
    return {**files, **{file.path: file.content for file in changed}}, len(journal)


@pytest.mark.parametrize(
    ("path", "breaking"),
    [
        ("backend.py", lambda _: ""),
        ("static/frontend.css", lambda _: "\n"),
        ("templates/frontend.html", lambda _: ""),
        (
            "main.py",
            lambda source: source.replace("import os\n", "import os\n\nfrom cart import blueprints\n"),
        ),
        ("orders.py", lambda source: source + "\n\ndef more(:\n"),
        ("frontend.py", lambda source: source.replace('"frontend.html"', '"shop.html"')),
        ("cart.py", lambda source: source.replace("import catalog\n", "from . import catalog\n")),
        ("payments.py", lambda source: source.replace('.get("/payments")', '.get("/orders")')),
    ],
)
def test_a_broken_application_is_mended(
    path: str, breaking: Callable[[str], str], built: Callable[[str], Build], ask: Ask
) -> None:
    """Nothing is found any more, and the module still keeps what its API promises."""
    build = built("ecommerce")

    files, asked = debugged(build, {path: breaking(build.files[path])}, ask)

    assert asked <= 3
    assert inspect_project(files, build.made_plan) == ()
    for module in build.made_plan.modules:
        tree = ast.parse(files[module.filename])
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert {function.name for function in build.apis[module.name].functions} <= defined


def test_a_sound_application_is_left_alone(built: Callable[[str], Build], ask: Ask) -> None:
    """Nothing is changed where nothing was found."""
    build = built("ecommerce")
    assert debugged(build, {}, ask) == (build.files, 1)
