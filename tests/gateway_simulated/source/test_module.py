"""Sources are written against the API they are given, whoever designed it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from agents.api import read_api
from agents.plan import read_plan
from agents.source import check_module
from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.source.manner import Manner
from harness.gateway.simulated.source.module import module_source

AssignmentOf = Callable[..., Assignment]

FOREIGN = {
    "functions": [
        "create_todo(title: str, done: bool = False) -> int",
        "get_todo(todo_id: int) -> dict",
        "list_todos(done: bool | None = None) -> list[dict]",
        "update_todo(todo_id: int, title: str) -> bool",
        "delete_todo(todo_id: int) -> None",
        "find_todo(title: str) -> dict | None",
        "search_todos(text: str) -> list",
        "finish_todo(todo_id: int) -> dict",
        "is_empty() -> bool",
        "names(separator: str) -> str",
        "clear() -> None",
        "statistics() -> dict",
    ],
    "routes": [
        {"method": "GET", "path": "/todos", "purpose": "all of them"},
        {"method": "POST", "path": "/todos", "purpose": "a new one"},
        {"method": "GET", "path": "/todos/<int:id>", "purpose": "one of them"},
        {"method": "PUT", "path": "/todos/<int:id>", "purpose": "another title"},
        {"method": "DELETE", "path": "/todos/<int:id>", "purpose": "gone"},
    ],
}
TODOS = {"name": "Todos", "module_type": "data", "description": "Todos.", "requires": []}
PAGES = {"name": "Pages", "module_type": "web_interface", "description": "Pages.", "requires": ["Todos"]}


@pytest.fixture
def todos(assignment_of: AssignmentOf) -> ModuleType:
    """A module written against an API that the simulated architect would not have designed, imported."""
    source = module_source(assignment_of("Todos", [TODOS, PAGES], FOREIGN), Manner(), "0")
    plan = read_plan({"modules": [TODOS, PAGES]})
    check_module(source, plan.module("Todos"), plan, {"Todos": read_api(FOREIGN)})
    return imported(source)


def imported(source: str) -> ModuleType:
    """The module that a source defines."""
    module = ModuleType("generated")
    # What Flask looks up to find the root of a blueprint.
    sys.modules[module.__name__] = module
    exec(compile(source, "generated.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    return module


def test_a_foreign_api_is_implemented(todos: Any) -> None:
    """Types that the API promises are given, ids and bad values are checked."""
    assert todos.is_empty() is False or todos.list_todos() == []
    assert todos.create_todo("  Milk ") == 1
    assert todos.create_todo("Bread", done=True) == 2
    assert todos.get_todo(1)["title"] == "Milk"
    assert [row["id"] for row in todos.list_todos(done=True)] == [2]
    assert todos.update_todo(1, "Oat milk") is True
    assert todos.find_todo("oat MILK")["id"] == 1
    assert todos.find_todo("Tea") is None
    assert [row["id"] for row in todos.search_todos("bre")] == [2]
    assert todos.finish_todo(2)["status"] == "finished"
    assert todos.delete_todo(1) is None
    assert isinstance(todos.statistics(), dict)
    assert isinstance(todos.names(","), str)
    with pytest.raises(LookupError):
        todos.get_todo(1)
    with pytest.raises(ValueError, match="title"):
        todos.create_todo(" ")
    with pytest.raises(ValueError, match="finished"):
        todos.finish_todo(2)


def test_a_foreign_route_leads_to_the_function_that_fits(todos: Any) -> None:
    """By method and path, where its purpose names no function."""
    from flask import Flask

    app = Flask("generated")
    app.register_blueprint(todos.blueprint)
    client = app.test_client()

    assert client.post("/todos", json={"title": "Milk"}).status_code == 201
    assert client.get("/todos/1").get_json()["title"] == "Milk"
    assert client.put("/todos/1", json={"title": "Tea"}).status_code == 200
    assert [row["title"] for row in client.get("/todos").get_json()] == ["Tea"]
    assert client.delete("/todos/1").status_code == 200
    assert client.get("/todos/1").status_code == 404
    assert client.post("/todos", json={"title": 3}).status_code == 400


def test_text_of_people_cannot_break_out(assignment_of: AssignmentOf) -> None:
    """Quotes and backslashes in a description or a purpose stay text."""
    evil = '""" + __import__("os").abort() + """ \\" \\'
    described = {**TODOS, "description": evil}
    api = {"functions": [{"signature": "list_todos() -> list", "purpose": evil}], "routes": []}

    module = imported(module_source(assignment_of("Todos", [described], api), Manner(), "0"))

    assert "__import__" in (module.__doc__ or "")


def test_a_name_that_is_in_use_gets_out_of_the_way(assignment_of: AssignmentOf) -> None:
    """A required module called as a parameter is imported under another name."""
    tags = {"name": "Tags", "module_type": "data", "description": "Tags with a label; add.", "requires": []}
    notes = {
        "name": "Notes",
        "module_type": "data",
        "description": "Notes with tags; add.",
        "requires": ["Tags"],
    }

    source = module_source(assignment_of("Notes", [tags, notes]), Manner(), "0")

    assert "import tags as tags_module" in source
    assert "tags_module.get_tag(tag_id)" in source


def test_a_changed_api_makes_other_code(assignment_of: AssignmentOf) -> None:
    """A field more in the API is a column more in the store."""
    functions = ["add_todo(title: str) -> dict", "get_todo(todo_id: int) -> dict"]
    more = ["add_todo(title: str, minutes: int) -> dict", "get_todo(todo_id: int) -> dict"]

    one, other = (
        module_source(assignment_of("Todos", [TODOS], {"functions": listed}), Manner(), "0")
        for listed in (functions, more)
    )

    assert '"minutes"' not in one
    assert '"minutes": _whole("minutes", minutes),' in other
