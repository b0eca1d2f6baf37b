"""Programs for strangers compile, run, and define what was asked for."""

from __future__ import annotations

import ast
import sys
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.gateway.simulated.stranger.names import asked_classes, asked_signatures
from harness.gateway.simulated.stranger.program import program
from tests.gateway_simulated.conversation import subject


def imported(source: str) -> Any:
    """The module that a source defines."""
    module = ModuleType("generated")
    sys.modules[module.__name__] = module
    exec(compile(source, "generated.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    return module


@pytest.mark.parametrize(
    ("text", "signatures"),
    [
        ("Write `add(a: int, b: int) -> int`.", ["add(a: int, b: int) -> int"]),
        (
            "signature: 'get_users(self, limit: int = 5) -> list[dict]'",
            ["get_users(limit: int = 5) -> list[dict]"],
        ),
        ("def save(text): ...", ["save(text)"]),
        ("Implement the functions load(path) and save(path, text).", ["load(path)", "save(path, text)"]),
        ("a function called `total` and a method send_mail", ["total()", "send_mail()"]),
        ("Call app.run() and print(x); use render_template(...) or os.environ.get('X').", []),
        ("The function must return what the method says.", []),
        ("def f(*args, **more) -> int; def print(x) -> None; def __init__(self) -> None", []),
    ],
)
def test_functions_are_known_by_their_signatures_and_names(text: str, signatures: list[str]) -> None:
    """What is only called, or has a name that Python needs, is none of them."""
    assert asked_signatures(text) == signatures


def test_classes_are_known_by_their_names() -> None:
    """Capital or in quotes."""
    text = "Export a class UserService and a class named `cart`. The class should be small. class Exception"
    assert asked_classes(text) == ["UserService", "cart"]


def test_a_module_has_the_functions_and_classes_that_are_asked_for() -> None:
    """They work, alone and as methods."""
    told = "FILENAME: todos.py\nWrite add_todo(title: str) -> dict and list_todos() -> list, class TodoBook."
    module = imported(program(subject(told), told))

    assert module.add_todo("Milk")["title"] == "Milk"
    service = module.TodoBook()
    assert service.add_todo("Bread")["id"] == 2
    assert [todo["title"] for todo in service.list_todos()] == ["Milk", "Bread"]


def test_a_description_in_words_is_enough() -> None:
    """The functions are those that it comes to."""
    told = "Write notes.py.\nSpec: Notes with title and tags; add, list, search, archive."
    module = imported(program(subject(told), told))

    module.add_note("Ideas", ["a"])
    assert module.archive_note(1)["status"] == "archived"
    assert "Flask" not in vars(module)


def test_flask_is_used_only_where_it_is_spoken_of() -> None:
    """And not for a service, whatever is said about the pages."""
    system = (
        "Write Python code for the file. IF web_interface: Flask MUST be used, @app.route('/') is required."
    )
    page = program(subject("FILENAME: pages.py\nMODULE_TYPE: web_interface", system), system)
    service = program(subject("FILENAME: orders.py\nMODULE_TYPE: service", system), system)

    assert '@app.route("/")' in page
    assert "app.run" not in page
    assert "flask" not in service
    application = imported(page).app
    assert application.test_client().get("/api/health").get_json() == {"status": "ok", "modules": []}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("- recipes.py: module_type = data\n- site.py: module_type = web_interface", "from site import app"),
        ("Modules: recipes.py, test_recipes.py, comments.py", "MODULES = [comments, recipes]"),
        ("Modules: recipes.py. Use Flask.", "modules=[module.__name__ for module in MODULES]"),
        ("Nothing yet.", "MODULES = []"),
    ],
)
def test_an_entry_point_starts_what_is_there(told: str, expected: str) -> None:
    """The page if there is one; otherwise an application of its own, or a list of what the modules offer."""
    source = program(subject(told), "Write main.py, which assembles all modules.")

    ast.parse(source)
    assert expected in source
    assert 'if __name__ == "__main__":' in source


def test_that_main_is_spoken_of_makes_no_entry_point() -> None:
    """A developer may be told who imports the module."""
    text = "Write Python code for todos.py. It will be imported by main.py."
    assert "__main__" not in program(subject(text), text)


def test_tests_are_tests() -> None:
    """Of the module that is spoken of."""
    source = program(subject("FILENAME: todos.py"), "Write a pytest test file in Python.")
    assert 'import_module("todos")' in source
    assert "def test_" in source


@pytest.mark.parametrize(
    "told", ["CODE:\nx = 1\n", "Here:\n```python\nx = 1\n```\n", "Source code of a.py:\n\nx = 1"]
)
def test_a_program_that_is_shown_is_given_back_with_the_mark(told: str) -> None:
    """Where it is to be changed, and a mark that it had is gone."""
    told = told.replace("x = 1", "# revision 01234567\nx = 1")
    about = subject(told)
    assert program(about, "Fix the code.") == f"# revision {about.mark.revision}\nx = 1\n"


_SAID = """
def function class ` ( ) : , -> int str = None [] x get_it _a A list save( name: description: file a.py
main.py Flask type: service web_interface self * / lambda 0 'a' ; add, with title and
"""
_PARTS = st.sampled_from(_SAID.split())


@given(st.lists(_PARTS, max_size=25).map(" ".join))
def test_every_program_compiles(told: str) -> None:
    """Whatever is said about it."""
    compile(program(subject(told), told), "generated.py", "exec", dont_inherit=True)
