"""What the simulated model builds is real: it starts, serves, keeps what it is given, refuses the rest."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agents.api import ModuleApi, RouteSpec

if TYPE_CHECKING:
    from conftest import Build

VISITOR = Path(__file__).with_name("visitor.py")
TIMEOUT_S = 30.0

WEB_APPLICATIONS = [
    "ecommerce",
    "clinic",
    "a todo list with user accounts and email reminders",
    "A library with books, members and loans. Staff has an admin page with statistics.",
    "Ein Forum",
    "???",
]
COMMAND_LINE_TOOLS = ["notes_cli", "a command-line tool that converts CSV to JSON"]

_VALUES: dict[str, Any] = {"int": 1, "float": 2.5, "str": "x", "bool": True, "list": ["a"]}


@dataclass(frozen=True)
class Visit:
    """One request, and the status codes it may have."""

    method: str
    path: str
    body: dict[str, Any] | None
    allowed: tuple[int, ...]


def values(api: ModuleApi, function: str) -> dict[str, Any]:
    """Something fitting for each parameter of a function."""
    signature = next(f.signature for f in api.functions if f.name == function)
    definition = ast.parse(f"def {signature}: ...").body[0]
    assert isinstance(definition, ast.FunctionDef)
    types = {a.arg: ast.unparse(a.annotation) for a in definition.args.args if a.annotation}
    return {name: _VALUES[kind.removesuffix(" | None")] for name, kind in types.items()}


def function_of(route: RouteSpec) -> str:
    """The function that a route of the simulated architect leads to: the first that its purpose names."""
    match = re.match(r"\w+", route.purpose)
    assert match is not None
    return match[0]


def making(api: ModuleApi) -> Iterator[Visit]:
    """Make one thing and get it; ask for what is not there, and send what is wrong."""
    creating = next((r for r in api.routes if r.method == "POST" and "<" not in r.path), None)
    if creating is not None and any(r.method == "GET" and "_id>" in r.path for r in api.routes):
        yield Visit("POST", creating.path, values(api, function_of(creating)), (201,))
        yield Visit("GET", f"{creating.path}/1", None, (200,))
        yield Visit("GET", f"{creating.path}/999", None, (404,))
        yield Visit("POST", creating.path, {}, (400,))


def using(api: ModuleApi) -> Iterator[Visit]:
    """Do everything else there is to do with one thing, and with one that is not there."""
    for route in api.routes:
        if "<int:" in route.path:
            body = values(api, function_of(route)) if route.method in ("PATCH", "POST") else None
            yield Visit(route.method, re.sub(r"<int:\w+>", "1", route.path), body, (200, 400, 404))
            yield Visit(route.method, re.sub(r"<int:\w+>", "999", route.path), body, (404,))


@pytest.mark.parametrize("what", WEB_APPLICATIONS)
def test_a_web_application_serves_every_route(
    what: str, built: Callable[[str], Build], tmp_path: Path
) -> None:
    """Pages and lists answer 200, unknown ids 404, bad bodies 400, nothing 500; what is made can be got."""
    build = built(what)
    apis = [build.apis[module.name] for module in build.made_plan.in_build_order()]
    planned = [visit for api in apis for visit in making(api)]
    planned += [visit for api in reversed(apis) for visit in using(api)]
    told = [[visit.method, visit.path, visit.body] for visit in planned]

    answers = json.loads(python(build.write_to(tmp_path), str(VISITOR), given=json.dumps(told)))

    bare = answers[: len(answers) - len(planned)]
    assert {("/", 200), ("/health", 200)} <= {(path, status) for _, path, status, *_ in bare}
    assert [answer for answer in bare if answer[2] != 200] == []
    assert planned
    pairs = zip(planned, answers[-len(planned) :], strict=True)
    assert [(visit, answer[2:]) for visit, answer in pairs if answer[2] not in visit.allowed] == []


def test_a_page_shows_what_is_kept_and_escapes_it(built: Callable[[str], Build], tmp_path: Path) -> None:
    """Rows of required modules are on the page; markup in them is text."""
    product = {"name": "<b>Lamp</b>", "price": 20, "stock": 3}
    told = [["POST", "/catalog", product], ["GET", "/", None], ["GET", "/frontend/products", None]]
    told += [["GET", "/?q=nothing", None], ["GET", "/frontend/lamps", None]]

    answers = json.loads(python(built("ecommerce").write_to(tmp_path), str(VISITOR), given=json.dumps(told)))

    page, one_group, narrowed, unknown = answers[-4:]
    assert "&lt;b&gt;Lamp&lt;/b&gt;" in page[4]
    assert "<b>Lamp" not in page[4]
    assert "Lamp" in one_group[4]
    assert "Lamp" not in narrowed[4]
    assert unknown[2:4] == [404, {"error": "there is nothing called lamps"}]


def test_modules_of_a_shop_work_together(built: Callable[[str], Build], tmp_path: Path) -> None:
    """An order takes the items of the cart, needs a payment that covers them, and has a life of its own."""
    told = [
        ["POST", "/users", {"name": "Ada", "email": "Ada@example.org", "address": "1 Lane"}],
        ["POST", "/catalog", {"name": "Lamp", "price": 20, "stock": 3}],
        ["POST", "/cart", {"product_id": 1, "account_id": 1, "quantity": 4}],
        ["POST", "/cart", {"product_id": 1, "account_id": 1, "quantity": 2}],
        ["PATCH", "/cart/1", {"quantity": 9}],
        ["GET", "/cart/total?account_id=1", None],
        ["POST", "/payments", {"account_id": 1, "amount": 39, "method": "card"}],
        ["POST", "/payments", {"account_id": 1, "amount": 40, "method": "card"}],
        ["POST", "/orders", {"account_id": 1, "payment_id": 1, "delivery_address": "1 Lane"}],
        ["POST", "/orders", {"account_id": 1, "payment_id": 2, "delivery_address": " 1 Lane "}],
        ["GET", "/cart", None],
        ["POST", "/orders/1/ship", {}],
        ["POST", "/orders/1/cancel", {}],
        ["GET", "/orders/1/track", None],
        ["GET", "/users/email/ada@EXAMPLE.org", None],
        ["POST", "/backend", {"account_id": 1, "order_id": 1, "token": "t"}],
        ["GET", "/backend/count", None],
    ]

    answers = json.loads(python(built("ecommerce").write_to(tmp_path), str(VISITOR), given=json.dumps(told)))

    status = [answer[2] for answer in answers[-len(told) :]]
    body = [answer[3] for answer in answers[-len(told) :]]
    assert status == [201, 201, 400, 201, 400, 200, 201, 201, 400, 201, 200, 200, 400, 200, 200, 201, 200]
    assert body[5] == {"total": 40.0}
    assert body[9]["total"] == 40.0
    assert body[9]["delivery_address"] == "1 Lane"
    assert body[10] == []
    assert body[13] == {"id": 1, "status": "shipped", "history": ["placed", "shipped"]}
    assert body[14]["name"] == "Ada"
    assert body[15]["order_id"] == 1
    assert body[16] == {"count": 1}


@pytest.mark.parametrize("what", COMMAND_LINE_TOOLS)
def test_a_command_line_tool_offers_every_function(
    what: str, built: Callable[[str], Build], tmp_path: Path
) -> None:
    """Every module and function is a command, and a command that only reads answers in JSON."""
    build = built(what)
    folder = build.write_to(tmp_path)

    shown = python(folder, "main.py", "--help")

    for module in build.made_plan.modules:
        assert module.stem in shown
        listing = next(
            (f.name for f in build.apis[module.name].functions if f.name.startswith("list_")), None
        )
        if listing:
            assert json.loads(python(folder, "main.py", module.stem, listing)) == []


def test_the_notes_tool_keeps_notes_in_a_state_file(built: Callable[[str], Build], tmp_path: Path) -> None:
    """What one command wrote, the next one finds, through the other modules as well."""
    folder = built("notes_cli").write_to(tmp_path)

    def run(*arguments: str) -> Any:
        return json.loads(python(folder, "main.py", "--state", "notes.jsonl", *arguments))

    note = run("note_store", "write_note", "--title", "Milk", "--body", "Buy it.", "--tags", "home", "shop")
    tag = run("tagging", "add_tag", "--label", "shop")

    assert (note["id"], tag["id"]) == (1, 1)
    assert [row["title"] for row in run("finder", "search_notes", "--text", "buy")] == ["Milk"]
    assert [row["title"] for row in run("finder", "search_notes_by_tag", "--tag-id", "1")] == ["Milk"]
    assert "## Milk" in run("exporter", "export_notes", "--name", "all")["content"]
    assert len((folder / "notes.jsonl").read_text().splitlines()) == 3


def test_a_command_that_fails_says_why_in_one_line(built: Callable[[str], Build], tmp_path: Path) -> None:
    """Exit code 1, nothing on standard output, one line on standard error."""
    folder = built("notes_cli").write_to(tmp_path)

    done = command(folder, "main.py", "note_store", "get_note", "--note-id", "7")

    assert (done.returncode, done.stdout, done.stderr) == (1, "", "error: there is no note 7\n")


def test_texts_are_really_converted(built: Callable[[str], Build], tmp_path: Path) -> None:
    """CSV to JSON and back gives the same text; broken CSV is an error."""
    folder = built(COMMAND_LINE_TOOLS[1]).write_to(tmp_path)

    there = python(folder, "main.py", "converter", "convert_csv_to_json", "--text", "a,b\n1,2\n")
    back = python(folder, "main.py", "converter", "convert_json_to_csv", "--text", json.loads(there))
    broken = command(folder, "main.py", "converter", "convert_csv_to_json", "--text", "a,b\n1\n")

    assert json.loads(json.loads(there)) == [{"a": "1", "b": "2"}]
    assert json.loads(back) == "a,b\n1,2\n"
    assert broken.returncode == 1


def python(folder: Path, *arguments: str, given: str = "") -> str:
    """What a Python program that succeeds prints."""
    done = command(folder, *arguments, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """A Python program run in `folder`, where warnings are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-B", *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1", "STATE_FILE": ""},
    )
