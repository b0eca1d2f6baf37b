"""What an application does in the sandbox: how it starts and why not, what it answers, what its tests say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.behaviour import ExecuteSettings, Question, observe, questions_of
from harness.behaviour.project import project_of
from harness.record import BehaviourRecord
from harness.sandbox import Sandbox
from tests.behaviour.applications import PROGRAM, SHOP, TESTS
from tests.compare.records import make_record


async def observed(
    folder: Path,
    files: dict[str, str],
    settings: ExecuteSettings,
    sandbox: Sandbox,
    questions: tuple[Question, ...] | None = None,
) -> BehaviourRecord:
    record = make_record(folder, files=files)
    asked = questions_of(project_of(record)) if questions is None else questions
    return await observe(sandbox, record, asked, settings)


async def test_a_web_application_is_served_as_its_main_file_runs_it_and_asked_all_its_routes(
    tmp_path: Path, settings: ExecuteSettings, sandbox: Sandbox
) -> None:
    """What only `python main.py` does has been done; what is made by one request is there for the next."""
    seen = await observed(tmp_path / "run", SHOP, settings, sandbox)

    assert (seen.started, seen.reason, seen.entry) == (True, None, "main.py")
    answers = [(answer.method, answer.path, answer.status, answer.location) for answer in seen.routes]
    looks = [
        ("GET", "/", 200, None),
        ("GET", "/items/", 200, None),
        ("GET", "/items/1", 404, None),
        ("GET", "/moved", 302, "http://localhost/items/"),
        ("GET", "/token", 200, None),
    ]
    again = [(*look[:2], 200, None) if look[1] == "/items/1" else look for look in looks]
    made = [("POST", "/items/", 201, None)] * 3
    assert answers == [*looks, *made, *again, ("DELETE", "/items/1", 204, None)]
    assert seen.routes[10].body == '{"name":"text","price":1.5}\n'
    assert [answer.path for answer in seen.routes if answer.varies] == ["/token", "/token"]


async def test_a_route_that_hangs_or_ends_the_application_is_told_and_nothing_waits_for_it(
    tmp_path: Path, settings: ExecuteSettings, sandbox: Sandbox
) -> None:
    main = """
import os, time
from flask import Flask
def create_app():
    app = Flask(__name__)
    app.add_url_rule("/slow", "slow", lambda: time.sleep(100))
    app.add_url_rule("/end", "end", lambda: os._exit(3))
    return app
"""
    asked = tuple(Question("GET", path) for path in ("/slow", "/", "/end", "/", "/"))
    seen = await observed(
        tmp_path / "run", {"main.py": main}, replace(settings, request_s=1.0), sandbox, asked
    )

    assert [answer.status for answer in seen.routes] == [None, 404, None, None]
    assert [answer.error for answer in seen.routes] == [
        "no answer within 1 s",
        None,
        "the connection was closed without an answer",
        "the application had ended",
    ]


ASKED = (Question("GET", "/"),)
NEITHER = "it neither answered nor ended within 0.5 s"

# The files, what is asked (nothing: a program), and why it does not start.
BROKEN = {
    "raises on import": (
        {"main.py": "import users", "users.py": "raise ValueError('no users')"},
        ASKED,
        "it ended with exit code 1: ValueError: no users",
    ),
    "hangs": ({"main.py": "import time\ntime.sleep(100)"}, ASKED, NEITHER),
    "serves nothing": (
        {"main.py": "print('done')"},
        ASKED,
        "it ended with exit code 1: main.py came to its end without serving anything",
    ),
    "a broken program": (
        {"main.py": "import missing_thing"},
        (),
        "it ended with exit code 1: ModuleNotFoundError: No module named 'missing_thing'",
    ),
    "killed": ({"main.py": "import os\nos.kill(os.getpid(), 9)"}, (), "it ended with signal 9"),
    "nothing to start": (
        {"users.py": "", "cart.py": ""},
        ASKED,
        "it has no file that is known as one to start, such as main.py",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_an_application_that_does_not_start_says_why(
    case: str, tmp_path: Path, settings: ExecuteSettings, sandbox: Sandbox
) -> None:
    files, asked, reason = BROKEN[case]
    patience_s = 0.5 if case == "hangs" else settings.startup_s
    seen = await observed(tmp_path / "run", files, replace(settings, startup_s=patience_s), sandbox, asked)
    assert (seen.started, seen.reason, seen.routes) == (False, reason, ())


@pytest.mark.parametrize(
    "main", [PROGRAM["main.py"], "name = input('Your name? ')", "import sys\nsys.exit(2)", "print('hello')"]
)
async def test_a_program_starts_if_it_helps_asks_or_ends_well(
    main: str, tmp_path: Path, settings: ExecuteSettings, sandbox: Sandbox
) -> None:
    seen = await observed(tmp_path / "run", {"main.py": main}, settings, sandbox)
    assert (seen.started, seen.reason, seen.tests_reason) == (True, None, None)


async def test_generated_tests_are_run(tmp_path: Path, settings: ExecuteSettings, sandbox: Sandbox) -> None:
    seen = await observed(tmp_path / "run", TESTS, settings, sandbox)
    assert [(test.name, test.outcome) for test in seen.tests] == [
        ("test_notes::test_good", "passed"),
        ("test_notes::test_bad", "failed"),
        ("test_notes::test_later", "skipped"),
    ]
    assert "one is not two" in seen.tests[1].reason
    assert seen.tests_reason is None


async def test_without_being_allowed_it_gets_nothing_and_says_what_would_help(
    tmp_path: Path, settings: ExecuteSettings, sandbox: Sandbox
) -> None:
    """Neither what it requires nor pytest, although both are there where the tests run."""
    bare = replace(settings, environment=None)
    web = await observed(tmp_path / "web", SHOP, bare, sandbox)
    tested = await observed(tmp_path / "tested", TESTS, bare, sandbox)

    assert (web.started, web.allowed, web.refused) == (False, (), ("flask",))
    assert web.reason == "flask is not allowed: --allow flask, or 'allow' under [execute] in harness.toml"
    assert (tested.started, tested.tests) == (True, ())
    assert tested.tests_reason == (
        "pytest is not allowed: --allow pytest, or 'allow' under [execute] in harness.toml"
    )
