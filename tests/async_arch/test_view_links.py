"""Routes and the functions they lead to; their views answer as those that a whole file has."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.blackboard import ApiDesigned, FileWritten, PlanMade
from agents.chat_protocol import chat_messages
from agents.conversation import ModelReply, ModelRequest
from agents.drivers import drive
from agents.plan import ModuleHint, ModulePlan, ModuleType
from agents.project import Inputs, Order
from agents.roles import Role
from agents.workflow import ANALYST, AUDITOR, Task, build_tasks, perform
from async_arch.module_templates import ModuleTemplates
from async_arch.view_links import Answer, Page, UnknownPath, View, kept_thing, path_variables, routes_of
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.simulated import answer

EXAMPLES = Path(__file__).parents[2] / "examples"


def _view(signature: str, method: str, path: str, purpose: str | None = None, *, pages: bool = False) -> View:
    name = signature.partition("(")[0]
    route = RouteSpec(method, path, f"{name} as JSON" if purpose is None else purpose)
    others = (FunctionSpec("get_note(note_id: int) -> dict", ""), FunctionSpec("other() -> dict", ""))
    (view,) = routes_of(ModuleApi((FunctionSpec(signature, ""), *others), (route,)), pages=pages).views
    return view


def _answer(*args: Any) -> Answer:
    found = _view(*args).link
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize(
    ("signature", "method", "path", "arguments"),
    [
        ("show() -> dict", "GET", "/x", ()),
        ("show(a: str) -> dict", "GET", "/x/<a>", ("a",)),
        ("show(a: int, b: int) -> dict", "GET", "/x/<int:b>/<int:a>", ("a", "b")),
        ("show(a: str, b: int) -> dict", "GET", "/x/<int:b>", ('a=request.args.get("a", "")', "b=b")),
        ("show(*, a: int) -> dict", "GET", "/x/<int:a>", ("a=a",)),
        ("show(a: int) -> dict", "GET", "/x/<a>", ("int(a)",)),
        ("show(a: float) -> dict", "GET", "/x/<int:a>", ("a",)),
        ("show(a: str) -> dict", "GET", "/x/<uuid:a>", ("str(a)",)),
        ("show(a: int = 5) -> dict", "DELETE", "/x", ('a=request.args.get("a", 5, type=int)',)),
        ("show(a: int | None = None) -> dict", "GET", "/x", ('a=request.args.get("a", type=int)',)),
        ("show(a: 'Optional[float]' = None) -> dict", "GET", "/x", ('a=request.args.get("a", type=float)',)),
        ("show(a: bool) -> dict", "GET", "/x", ('a=request.args.get("a", False, type=_switch)',)),
        ("show(a: list[int]) -> dict", "GET", "/x", ('a=request.args.getlist("a", type=int)',)),
        ("show(a) -> dict", "GET", "/x", ('a=request.args.get("a")',)),
        ("show(a: int, b: dict) -> dict", "PUT", "/x/<int:a>", ("a", "**given")),
    ],
)
def test_what_a_function_takes_comes_from_path_query_and_body(
    signature: str, method: str, path: str, arguments: tuple[str, ...]
) -> None:
    assert _answer(signature, method, path).arguments == arguments


@pytest.mark.parametrize(
    ("signature", "method", "path", "purpose"),
    [
        ("show() -> dict", "GET", "/x", "names no function"),
        ("show() -> dict", "GET", "/x", "showing is not show_it"),
        ("show() -> dict", "GET", "/x", "show, and then other"),
        ("show(a: int) -> dict", "GET", "/x/<int:b>", "show"),
        ("show(a: dict) -> dict", "GET", "/x", "show"),
        ("show(a: dict) -> dict", "POST", "/x/<a>", "show"),
        ("show(a: Order) -> dict", "POST", "/x", "show"),
        ("show(a: list[dict]) -> dict", "GET", "/x", "show"),
        ("show(*a: int) -> dict", "GET", "/x", "show"),
        ("show(a: int, /) -> dict", "POST", "/x", "show"),
        ("show() -> bytes", "GET", "/x", "show"),
        ("show(given: str, a: int) -> dict", "POST", "/x/<given>", "show"),
        ("show(show: str) -> dict", "GET", "/x/<show>", "show"),
    ],
)
def test_what_cannot_be_tied_is_a_gap(signature: str, method: str, path: str, purpose: str) -> None:
    view = _view(signature, method, path, purpose)
    assert view.link is None
    assert view.gap.does == f"{method} {path}: {purpose}."


@pytest.mark.parametrize(
    ("signature", "method", "path", "purpose", "created"),
    [
        ("add_note(a: str) -> dict", "POST", "/x", "add_note", True),
        ("add_note(a: str) -> dict", "POST", "/x", "add_note, answers 200", False),
        ("add_note(a: str) -> dict", "PUT", "/x", "add_note, answers 201", False),
        ("send(a: str) -> dict", "POST", "/x", "send, answers 201", True),
        ("send(a: str) -> dict", "POST", "/x", "send 2013 times", False),
        ("add_to(a: int, b: str) -> dict", "POST", "/x/<int:a>", "add_to", False),
    ],
)
def test_what_makes_something_answers_201(
    signature: str, method: str, path: str, purpose: str, created: bool
) -> None:
    assert _answer(signature, method, path, purpose).created is created


def test_plain_values_are_answered_under_a_key() -> None:
    assert _answer("total_notes() -> float", "GET", "/x").key == "total"
    assert _answer("export_notes() -> str", "GET", "/x").key == "content"
    assert _answer("add_note(a: str) -> int", "POST", "/x").key == "id"
    assert _answer("total_notes() -> list", "GET", "/x").key == ""
    assert _answer("drop_notes() -> None", "GET", "/x").gives_nothing


def test_what_is_not_there_is_told_in_the_words_of_the_path() -> None:
    view = _answer("find(on_day: str, hour: int) -> dict | None", "GET", "/<on_day>/<int:hour>")
    assert view.missing == 'f"there is no note with on day {on_day} and hour {hour}"'
    assert _answer("find() -> 'dict | None'", "GET", "/x").missing == '"there is no such note"'
    assert _answer("find() -> dict", "GET", "/x").missing == ""


def test_the_body_is_asked_for_what_must_and_what_may_be_there() -> None:
    answer_ = _answer("put(a: str, b: int=1, c: list | None=None) -> dict", "POST", "/x")
    assert answer_.asked == ('"a"', 'optional=("b", "c")')
    assert _answer("put(b: int=1) -> dict", "POST", "/x").asked == ('optional=("b",)',)
    assert _answer("put(a: str) -> dict", "POST", "/x").asked == ('"a"',)


@pytest.mark.parametrize(
    ("signature", "path", "purpose", "page"),
    [
        ("x_groups(text: str='') -> list", "/", "x_groups", Page("x_groups", True)),
        ("x_groups() -> list[dict]", "/", "x_groups", Page("x_groups", False)),
        ("shelves(text: str) -> list", "/", "the page with shelves", Page("shelves", True)),
        ("x_groups() -> list", "/<heading>", "x_groups", Page("x_groups", False, "heading")),
        ("x_groups(a: int) -> list", "/", "x_groups", None),
        ("x_groups(a: str, b: str) -> list", "/", "x_groups", None),
        ("x_groups(a: str) -> list", "/<heading>", "x_groups", None),
        ("x_groups() -> list", "/<int:heading>", "x_groups", None),
        ("x_groups() -> str", "/", "x_groups", None),
    ],
)
def test_pages_show_groups(signature: str, path: str, purpose: str, page: Page | None) -> None:
    assert _view(signature, "GET", path, purpose, pages=True).link == page
    assert not isinstance(_view(signature, "GET", path, purpose).link, Page)


def test_lists_of_a_web_interface_that_no_page_is_said_of_are_answered_as_json() -> None:
    assert isinstance(_view("rows() -> list", "GET", "/", "rows as JSON", pages=True).link, Answer)


def test_views_have_names_of_their_own() -> None:
    functions = (FunctionSpec("list() -> list", ""), FunctionSpec("get_a_view() -> dict", ""))
    routes = [RouteSpec("GET", path, said) for path, said in (("/x", "list"), ("/y", "list"), ("/a", ""))]
    names = [view.name for view in routes_of(ModuleApi(functions, tuple(routes)), pages=False).views]
    assert names == ["list_view", "one_of_list_view", "one_of_get_a_view"]


def test_paths_that_flask_cannot_have_are_known() -> None:
    assert path_variables("/a/<int:x>/<y>/<uuid:z>") == {"x": "int", "y": "str", "z": "uuid.UUID"}
    for path in ("/<str:x>", "/<x>/<int:x>"):
        with pytest.raises(UnknownPath):
            path_variables(path)


def test_what_a_module_keeps_is_told_by_its_functions() -> None:
    specs = [
        FunctionSpec(f"{name} -> dict", "") for name in ("add_item(a: str)", "get_order_line(order_line_id)")
    ]
    assert [kept_thing(specs), kept_thing(specs[:1]), kept_thing(())] == ["order_line", "item", ""]


# What follows takes the functions that the simulated model writes, once with its views and once with ours.


def _ask(request: ModelRequest) -> ModelReply:
    payload: dict[str, Any] = {"model": "llama3.1", "messages": chat_messages(request)}
    return ModelReply(answer(CanonicalRequest.from_payload(payload)))


@cache
def _built(example: str) -> tuple[Inputs, Mapping[str, str]]:
    """The plan and the APIs of an example, and the files that the simulated model writes for it."""
    spec = yaml.safe_load((EXAMPLES / f"{example}.yaml").read_text(encoding="utf-8"))
    hints = (
        ModuleHint(m["name"], ModuleType(m["module_type"]), m["description"], tuple(m.get("requires", ())))
        for m in spec["modules"]
    )
    order = Order(spec["idea"], tuple(hints))
    plan, apis, files = None, {}, {}

    def done(task: Task) -> None:
        nonlocal plan
        for change in drive(perform(task, Inputs(order, plan, dict(apis), dict(files))), _ask).changes:
            match change:
                case PlanMade(made):
                    plan = made
                case ApiDesigned(module, api):
                    apis[module] = api
                case FileWritten(path, content):
                    files[path] = content

    done(ANALYST)
    done(AUDITOR)
    assert plan is not None
    wanted = {Role.ARCHITECT, Role.DEVELOPER, Role.FRONTEND_DEVELOPER, Role.INTEGRATOR}
    for task in build_tasks(plan):
        if task.role in wanted:
            done(task)
    return Inputs(order, plan, apis, files), files


_OURS = {"_body", "_page", "_named", "_switch"}


def _with_our_views(source: str, rendered: str) -> str:
    """`source` with the views of `rendered` in the place of its own."""
    theirs = [node for node in ast.parse(source).body[1:] if not _is_view(node) and not _is_future(node)]
    ours = [
        node for node in ast.parse(rendered).body[1:] if _is_view(node) or isinstance(node, ast.ImportFrom)
    ]
    future = [node for node in ours if _is_future(node)]
    rest = [node for node in ours if not _is_future(node)]
    return ast.unparse(ast.Module([*future, *theirs, *rest], []))


def _is_view(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and (bool(node.decorator_list) or node.name in _OURS)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _requests(inputs: Inputs) -> list[tuple[str, str, Any]]:
    """Requests at every route: good ones in the order in which things are made, then bad ones."""
    values = {"int": 1, "float": 2.5, "str": "tea", "bool": True, "list": ["x"]}
    good: list[tuple[str, str, Any]] = []
    bad: list[tuple[str, str, Any]] = []
    for module in inputs.made_plan.in_build_order():
        api = inputs.apis[module.name]
        for view in sorted(routes_of(api, pages=False).views, key=lambda view: view.route.method != "POST"):
            assert view.link is not None or module.module_type is ModuleType.WEB_INTERFACE
            function = next(f for f in api.functions if view.name.endswith(f"{f.name}_view"))
            parameters = ast.parse(f"def {function.signature}: ...").body[0]
            assert isinstance(parameters, ast.FunctionDef)
            body = {
                a.arg: values[ast.unparse(a.annotation or ast.Constant(0)).partition(" ")[0]]
                for a in parameters.args.args
            }
            method, path = view.route.method, view.route.path
            for value, requests in (
                ("1", good),
                ("99", bad),
                ("tea", bad),
                ("reports", bad),
                ("products", bad),
            ):
                filled = path
                for name, kind in path_variables(path).items():
                    filled = filled.replace(f"<{kind.replace('str', 'string')}:{name}>", value)
                requests.append((method, filled, body))
            bad += [(method, filled, {}), (method, filled, []), (method, filled, "x"), (method, filled, None)]
            bad += [
                (method, f"{filled}?{name}={value}", None)
                for name in ("q", "text", "limit", *body)
                for value in ("1", "tea", "-1")
            ]
    return good + good + bad


_ASKING = """
import importlib, json, sys
from flask import Flask
stems, requests = json.load(sys.stdin)
app = Flask("asked", root_path=".")
for stem in stems:
    module = importlib.import_module(stem)
    if hasattr(module, "blueprint"):
        app.register_blueprint(module.blueprint)
client = app.test_client()
answers = []
for method, path, body in requests:
    given = client.open(path, method=method, **({} if body is None else {"json": body}))
    answers.append([given.status_code, given.content_type, given.text])
json.dump(answers, sys.stdout)
"""


def _answers(
    folder: Path, files: Mapping[str, str], stems: list[str], requests: list[Any]
) -> list[list[Any]]:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    asked = [sys.executable, "-c", _ASKING]
    told = json.dumps([stems, requests])
    done = subprocess.run(asked, cwd=folder, input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[list[Any]] = json.loads(done.stdout)
    return answers


def _rendered(module: ModulePlan, inputs: Inputs) -> str:
    skeleton = ModuleTemplates().skeleton(module, inputs)
    assert skeleton is not None
    return skeleton.source


@pytest.mark.parametrize("example", ["ecommerce", "clinic"])
def test_rendered_views_answer_as_those_of_whole_files(example: str, tmp_path: Path) -> None:
    inputs, files = _built(example)
    modules = inputs.made_plan.modules
    changed = {m.filename: _with_our_views(files[m.filename], _rendered(m, inputs)) for m in modules}
    stems, requests = [module.stem for module in modules], _requests(inputs)
    theirs = _answers(tmp_path / "theirs", files, stems, requests)
    ours = _answers(tmp_path / "ours", {**files, **changed}, stems, requests)
    for request, one, other in zip(requests, theirs, ours, strict=True):
        assert one == other, request
    assert {200, 201, 400, 404} <= {status for status, _, _ in ours}


@pytest.mark.parametrize("example", ["ecommerce", "clinic", "notes_cli"])
def test_every_route_of_the_examples_is_tied_to_a_function(example: str) -> None:
    inputs, files = _built(example)
    for module in inputs.made_plan.modules:
        pages = module.module_type is ModuleType.WEB_INTERFACE
        views = routes_of(inputs.apis[module.name], pages=pages).views
        assert [view.name for view in views if view.link is None] == []
        written = {node.name for node in ast.parse(files[module.filename]).body if _is_view(node)}
        assert {view.name for view in views} <= written
