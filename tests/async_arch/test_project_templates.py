"""The files that put a project together: what they are, that they run, and that no text breaks them."""

from __future__ import annotations

import ast
import builtins
import importlib
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import flask
import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.agent_integrator import entry_point_problems, requirements_problems
from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.plan import ModulePlan, Plan, default_filename
from agents.plan import ModuleType as Kind
from agents.project import Inputs, Order
from agents.source import inspect_project
from async_arch.module_templates import ModuleTemplates
from async_arch.project_templates import PROJECT_FILES, page, project_files
from async_arch.template_environment import TemplateProblem, open_environment
from harness.gateway.simulated.command_line import command_line_entry_point
from harness.gateway.simulated.entry_point import web_entry_point
from harness.gateway.simulated.offer import read_offer

ROOT = Path(__file__).parents[2]
ENVIRONMENT = open_environment()

CART = ModulePlan("Cart", "cart.py", Kind.SERVICE, "Holds what is bought.", ("Catalog",))
CATALOG = ModulePlan("Catalog", "catalog.py", Kind.DATA, "Keeps the books.")
SHOP = ModulePlan("Shop", "shop.py", Kind.WEB_INTERFACE, "Shows the books.", ("Cart",))
PLAN = Plan("Books", "Sells books.", (SHOP, CART, CATALOG))
APIS = {
    "Catalog": ModuleApi((FunctionSpec("find_book(book_id: int) -> dict | None", "Finds a book."),)),
    "Cart": ModuleApi(
        (FunctionSpec("add_item(book_id: int, gift: bool=False) -> dict", "Adds a book."),),
        (RouteSpec("POST", "/cart/<int:book_id>", "Adds a book."), RouteSpec("GET", "/cart", "Fails.")),
    ),
    "Shop": ModuleApi(
        (FunctionSpec("shelves() -> list", "Shelves."),), (RouteSpec("GET", "/shop", "Page."),)
    ),
}
SOURCES = {
    "catalog.py": '''\
from __future__ import annotations


def find_book(book_id: int) -> dict | None:
    """Find a book, with 100 % certainty."""
    if book_id < 0:
        raise LookupError(f"there is no book {book_id}")
    return {"id": book_id}
''',
    "cart.py": '''\
from __future__ import annotations

from flask import Blueprint, jsonify

import catalog

blueprint = Blueprint("cart", __name__)
_items: list[dict] = []


def add_item(book_id: int, gift: bool = False) -> dict:
    """Add a book."""
    _items.append({"book": catalog.find_book(book_id), "gift": gift})
    return {"items": len(_items), "gift": gift}


@blueprint.post("/cart/<int:book_id>")
def add_item_view(book_id: int):
    return jsonify(add_item(book_id)), 201


@blueprint.get("/cart")
def broken_view():
    raise ArithmeticError("a secret")
''',
    "shop.py": '''\
from __future__ import annotations

from flask import Blueprint, abort

blueprint = Blueprint("shop", __name__)


def shelves() -> list:
    """The shelves."""
    return []


@blueprint.get("/shop")
def page():
    return "shelves"


@blueprint.get("/shop/secret/")
def secret():
    abort(403)
''',
}
WEB = Inputs(Order("A shop for books."), PLAN, APIS, SOURCES)
TOOL = replace(
    WEB,
    plan=Plan("Books", "Sells books.", (replace(CART, module_type=Kind.SERVICE), CATALOG)),
    apis={"Catalog": APIS["Catalog"], "Cart": ModuleApi(APIS["Cart"].functions)},
    files={
        "catalog.py": SOURCES["catalog.py"],
        "cart.py": SOURCES["cart.py"]
        .partition("@blueprint")[0]
        .replace("\nblueprint", "\n_b")
        .replace("from flask import Blueprint, jsonify\n\n", "")
        .replace('_b = Blueprint("cart", __name__)\n', ""),
    },
)
BOTH = pytest.mark.parametrize("inputs", [WEB, TOOL], ids=["web", "command line"])


@contextmanager
def imported(folder: Path, files: Mapping[str, str]) -> Iterator[ModuleType]:
    """The module `main` of `files`, with the modules beside it; none of them stays."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    names = [path.removesuffix(".py") for path in files if path.endswith(".py") and "/" not in path]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        try:
            yield importlib.import_module("main")
        finally:
            for name in names:
                sys.modules.pop(name, None)


def answers(main: ModuleType) -> list[object]:
    """The routes of an application, and how it answers whatever may be asked."""
    app: flask.Flask = main.create_app()
    rules = sorted((rule.rule, *sorted(rule.methods or ())) for rule in app.url_map.iter_rules())
    client = app.test_client()
    asked = [
        ("GET", "/health"),
        ("POST", "/health"),
        ("POST", "/cart/7"),
        ("POST", "/cart/x"),
        ("GET", "/cart/7"),
        ("GET", "/cart"),
        ("GET", "/shop"),
        ("GET", "/shop/secret"),
        ("GET", "/shop/secret/"),
        ("GET", "/nowhere"),
    ]
    replies = [client.open(path, method=method) for method, path in asked]
    return [rules, *((reply.status_code, reply.mimetype, reply.data) for reply in replies)]


def test_a_web_application_answers_as_one_that_a_model_puts_together(tmp_path: Path) -> None:
    files = project_files(ENVIRONMENT, WEB)
    offers = tuple(read_offer(m.name, m.stem, APIS[m.name].as_dict()) for m in PLAN.modules)
    written = web_entry_point({"project": "Books"}, offers, "mark")
    with imported(tmp_path / "rendered", SOURCES | files) as main:
        assert isinstance(main.app, flask.Flask)
        rendered = answers(main)
    with imported(tmp_path / "written", SOURCES | {"main.py": written}) as main:
        assert rendered == answers(main)
    assert rendered[1:4] == [
        (200, "application/json", b'{"status":"ok"}\n'),
        (405, "application/json", rendered[2][2]),  # type: ignore[index]
        (201, "application/json", b'{"gift":false,"items":1}\n'),
    ]
    assert rendered[6] == (500, "application/json", b'{"error":"the application made a mistake"}\n')


def test_an_unexpected_error_is_logged_and_not_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with imported(tmp_path, SOURCES | project_files(ENVIRONMENT, WEB)) as main:
        reply = main.create_app().test_client().get("/cart")
    assert b"secret" not in reply.data
    assert "a secret" in caplog.text


def test_a_health_route_of_a_module_is_left_to_it(tmp_path: Path) -> None:
    source = SOURCES["shop.py"].replace('"/shop"', '"/health"').replace('"shelves"', '"all shelves stand"')
    api = replace(APIS["Shop"], routes=(RouteSpec("GET", "/health", "Page."),))
    inputs = replace(WEB, apis=APIS | {"Shop": api}, files=SOURCES | {"shop.py": source})
    with imported(tmp_path, {**inputs.files, **project_files(ENVIRONMENT, inputs)}) as main:
        assert main.create_app().test_client().get("/health").data == b"all shelves stand"


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "main.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_command_line_tool_runs_as_a_script(tmp_path: Path) -> None:
    for path, content in {**TOOL.files, "main.py": project_files(ENVIRONMENT, TOOL)["main.py"]}.items():
        (tmp_path / path).write_text(content)
    code, out, err = run(tmp_path, "--state", "s", "cart", "add_item", "--book-id", "7", "--gift", "yes")
    assert (code, json.loads(out), err) == (0, {"items": 1, "gift": True}, "")
    assert [json.loads(line) for line in (tmp_path / "s").read_text().splitlines()] == [
        ["cart", "add_item", {"book_id": 7, "gift": True}]
    ]


def commands(main: ModuleType, capsys: pytest.CaptureFixture[str], state: Path) -> list[object]:
    """What a tool says to commands, right and wrong, and the exit codes; then its help.

    What argparse calls a command that was not given is no part of it.
    """
    asked = [
        ["catalog", "find_book", "--book-id", "7"],
        ["catalog", "find_book", "--book-id", "-1"],
        ["catalog", "find_book", "--book-id", "x"],
        ["catalog", "find_book"],
        ["catalog", "lose_book"],
        ["--state", str(state), "cart", "add_item", "--book-id", "7", "--gift", "yes"],
        ["--state", str(state), "cart", "add_item", "--book-id", "8"],
        ["--state", str(state), "cart", "add_item", "--book-id", "8", "--gift", "maybe"],
        ["--state", str(state), "catalog", "find_book", "--book-id", "8"],
        ["--state", "/nowhere/at/all", "cart", "add_item", "--book-id", "8"],
        ["--help"],
    ]
    said: list[object] = []
    for arguments in asked:
        try:
            code = main.main(arguments)
        except SystemExit as ended:
            code = ended.code
        out, err = capsys.readouterr()
        said.append((arguments, code, out, err.replace("chosen_", "chosen ")))
    return [*said, state.read_text()]


def test_a_command_line_tool_answers_as_one_that_a_model_puts_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {**TOOL.files, "catalog.py": TOOL.files["catalog.py"].replace(" %", "")}
    inputs = replace(TOOL, files=files)
    modules = inputs.made_plan.in_build_order()
    offers = tuple(read_offer(m.name, m.stem, inputs.apis[m.name].as_dict()) for m in modules)
    written = command_line_entry_point({"project": "Books"}, offers, "mark")
    with imported(tmp_path / "a", files | project_files(ENVIRONMENT, inputs)) as main:
        rendered = commands(main, capsys, tmp_path / "a" / "state")
    with imported(tmp_path / "b", files | {"main.py": written}) as main:
        expected = commands(main, capsys, tmp_path / "b" / "state")
    assert str(rendered).replace(str(tmp_path / "a"), "") == str(expected).replace(str(tmp_path / "b"), "")
    assert [entry[1] for entry in rendered[:-1]] == [0, 1, 2, 2, 2, 0, 0, 2, 0, 1, 0]  # type: ignore[index]


def test_what_a_project_calls_things_does_not_break_its_help_or_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    signature = "show(help: str, state_file: str, state: int, chosen_module: Optional[int]=None) -> str"
    source = f"""\
from typing import Optional

def {signature}:
    "100 %"
    return [help, state_file, state, chosen_module]
"""
    api = ModuleApi((FunctionSpec(signature, "Shows."),))
    plan = replace(TOOL.made_plan, project="100 %(prog)d", modules=(CATALOG,))
    inputs = Inputs(TOOL.order, plan, {"Catalog": api}, {"catalog.py": source})
    with imported(tmp_path, {**inputs.files, **project_files(ENVIRONMENT, inputs)}) as main:
        arguments = ["--help", "a", "--state-file", "b", "--state", "3", "--chosen-module", "4"]
        assert main.main(["catalog", "show", *arguments]) == 0
        assert json.loads(capsys.readouterr().out) == ["a", "b", 3, 4]
        with pytest.raises(SystemExit) as ended:
            main.main(["catalog", "--help"])
        assert ended.value.code == 0
        assert "100 %" in capsys.readouterr().out
        with pytest.raises(SystemExit) as ended:
            main.main(["--help"])
        assert ended.value.code == 0


NAMES = ("jsonify", "blueprint", "name", "int", "create_app", "flask_app", "state", "jsonify_module")


@BOTH
def test_a_module_may_be_called_like_something_in_main(inputs: Inputs) -> None:
    """Its blueprint and its functions are reached, and what main.py calls so still is what it was."""
    kind = Kind.WEB_INTERFACE if inputs is WEB else Kind.SERVICE
    modules = tuple(ModulePlan(name, f"{name}.py", kind, "") for name in NAMES)
    api = APIS["Shop"] if inputs is WEB else APIS["Catalog"]
    source = SOURCES["shop.py" if inputs is WEB else "catalog.py"]
    plan = replace(PLAN, modules=modules)
    given = Inputs(
        WEB.order, plan, dict.fromkeys(NAMES, api), {module.filename: source for module in modules}
    )
    main = project_files(ENVIRONMENT, given)["main.py"]
    bound = {alias.asname or alias.name for alias in _imports(main) if alias.name in NAMES}
    assert len(bound) == len(NAMES)
    assert "jsonify_module" in bound
    assert not bound & _names_of(project_files(ENVIRONMENT, inputs)["main.py"], inputs)


@BOTH
def test_every_name_in_main_is_kept_from_modules(inputs: Inputs) -> None:
    used = _names_of(project_files(ENVIRONMENT, inputs)["main.py"], inputs)
    names = {name for name in used if default_filename(name) == f"{name}.py"} | {*dir(builtins)}
    stems = [name for name in sorted(names) if name.isidentifier() and name.islower() and name[0].isalpha()]
    plan = replace(PLAN, modules=tuple(ModulePlan(name, f"{name}.py", Kind.SERVICE, "") for name in stems))
    files = {f"{name}.py": "def find_book(book_id): ..." for name in stems}
    given = Inputs(WEB.order, plan, dict.fromkeys(stems, APIS["Catalog"]), files)
    main = project_files(ENVIRONMENT, given)["main.py"]
    aliases = {alias.name: alias.asname for alias in _imports(main)}
    assert [name for name in stems if name not in aliases or aliases[name] is None] == []


def _imports(source: str) -> list[ast.alias]:
    return [
        alias for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for alias in node.names
    ]


def _names_of(source: str, inputs: Inputs) -> set[str]:
    """The names that a source binds or reads, without those of the project's own modules."""
    tree = ast.parse(source)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return names - {module.stem for module in inputs.made_plan.modules}


@BOTH
def test_a_project_stands_the_checks_of_integrator_and_debugger(inputs: Inputs) -> None:
    files = ModuleTemplates().project_files(inputs)
    assert files is not None
    assert (
        files.keys()
        == PROJECT_FILES.keys()
        == {"main.py", "requirements.txt", "pyproject.toml", "setup.py", "tests/test_app.py"}
    )
    assert entry_point_problems(files["main.py"], inputs.made_plan, inputs) == []
    assert requirements_problems(files["requirements.txt"], inputs.made_plan) == []
    assert inspect_project({**inputs.files, **files}, inputs.made_plan) == ()


@BOTH
def test_a_project_is_formatted_and_linted(inputs: Inputs, tmp_path: Path) -> None:
    long = [ModulePlan(f"M{'x' * 60}{n}", f"m{'x' * 60}{n}.py", Kind.SERVICE, "") for n in range(2)]
    function = FunctionSpec(f"remove_{'y' * 60}() -> None", "Removes.")
    routes = (RouteSpec("GET", f"/{'z' * 90}", "Removes."),) if inputs is WEB else ()
    source = f"def {function.signature}: ...\nblueprint = 0\n"
    apis = {module.name: ModuleApi((function,), routes) for module in long}
    most = replace(
        inputs,
        plan=replace(inputs.made_plan, modules=(*inputs.made_plan.modules, *long)),
        apis={**inputs.apis, **apis},
        files={**inputs.files, **{module.filename: source for module in long}},
    )
    for name, some in (("few", inputs), ("most", most)):
        for path, content in {**some.files, **project_files(ENVIRONMENT, some)}.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(content)
        rendered = [tmp_path / name / path for path in PROJECT_FILES if path.endswith(".py")]
        for command in (["format", "--check"], ["check", "--extend-select", "I,UP,B,SIM,RUF"]):
            done = subprocess.run(
                ["ruff", *command, *rendered],
                cwd=tmp_path / name,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr


@BOTH
def test_the_tests_of_a_project_pass_and_fail_with_it(inputs: Inputs, tmp_path: Path) -> None:
    files = {**inputs.files, **project_files(ENVIRONMENT, inputs)}
    # The samples have a route that always fails.
    files["cart.py"] = files["cart.py"].replace("raise ArithmeticError", "return str")
    broken = (
        ("shop.py", '"shelves"', "1 / 0") if inputs is WEB else ("main.py", "description=__doc__", "usage=1")
    )
    for name, changes in (("whole", ("main.py", "", "")), ("broken", broken)):
        for path, content in {**files, changes[0]: files[changes[0]].replace(*changes[1:])}.items():
            (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / path).write_text(content)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
            cwd=tmp_path / name,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == (0 if name == "whole" else 1), done.stdout + done.stderr


TEXTS = st.text(st.characters(codec=None), max_size=60) | st.sampled_from(
    [
        '"""',
        "a\\",
        '\'"""\'',
        "{{ 7 * 7 }}{% raw %}{# x #}",
        "</title></script><script>alert(1)</script>",
        "\0\x1b[31m\r\n\u2028\ud800\x7f",
        "Größe 店 \N{PILE OF POO}",
        '" ]\nname = "x',
        "%(prog)d %s %",
        "flask",
        "Calendar",
    ]
)


@cache
def _plain(web: bool) -> Mapping[str, str]:
    return project_files(ENVIRONMENT, WEB if web else TOOL)


@settings(max_examples=40)
@given(project=TEXTS, summary=TEXTS, idea=TEXTS, description=TEXTS)
def test_no_text_moves_anything(project: str, summary: str, idea: str, description: str) -> None:
    for inputs in (WEB, TOOL):
        modules = tuple(replace(m, description=description) for m in inputs.made_plan.modules)
        plan = Plan(project, summary, modules)
        files = project_files(ENVIRONMENT, replace(inputs, order=Order(idea), plan=plan))
        plain = _plain(inputs is WEB)
        for path, content in files.items():
            content.encode()
            if path.endswith(".py"):
                assert _without_docstring(content) == _without_docstring(plain[path])
        data, expected = tomllib.loads(files["pyproject.toml"]), tomllib.loads(plain["pyproject.toml"])
        name, said = data["project"].pop("name"), data["project"].pop("description")
        assert name.isascii()
        assert "\n" not in said
        assert all(part.isalnum() for part in name.split("-"))
        assert name == name.lower()
        assert inputs is TOOL or name != "flask"
        del expected["project"]["name"], expected["project"]["description"]
        if "scripts" in data["project"]:
            assert data["project"].pop("scripts") == {name: "main:main"}
            del expected["project"]["scripts"]
        assert data == expected
        assert files["requirements.txt"] == plain["requirements.txt"]


def _without_docstring(source: str) -> str:
    """A source without its first line, which is the docstring."""
    first, _, rest = source.partition("\n")
    assert isinstance(ast.literal_eval(first), str)
    return rest


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []
        self.said = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(tag)

    def handle_data(self, data: str) -> None:
        self.said += data


def shown(project: str, description: str) -> _Tags:
    """The page as a browser reads it, after Flask has rendered it as the template that it is."""
    source = page(ENVIRONMENT, replace(PLAN, project=project), replace(SHOP, description=description))
    groups = [{"heading": "New", "rows": [{"book_title": "<Emma>"}]}, {"heading": "Old", "rows": []}]
    environment = jinja2.Environment(autoescape=True)
    read = _Tags()
    read.feed(environment.from_string(source).render(title="Books & more", groups=groups))
    read.close()
    return read


@given(project=TEXTS, description=TEXTS)
def test_no_text_moves_anything_on_a_page(project: str, description: str) -> None:
    read = shown(project, description)
    assert read.found == shown("Books", "Sells books.").found
    for text in (project, description):
        words = "".join(c if c.isprintable() else " " for c in text).split()
        assert " ".join(words) in " ".join(read.said.split())


def test_a_page_shows_what_its_view_gives() -> None:
    said = shown("Books", "").said
    assert [word in said for word in ("Books & more", "<Emma>", "book title", "Nothing here yet.")] == [
        True
    ] * 4


@pytest.mark.parametrize(
    ("name", "source", "place"),
    [
        ("main_web.py.j2", "x\n{{ nothing }}\n", "project/main_web.py.j2, line 2: 'nothing' is undefined"),
        ("main_web.py.j2", "x\n\n{% if %}\n", "project/main_web.py.j2, line 3: "),
        ("main_web.py.j2", "\n{{ project | ident }}\n", "project/main_web.py.j2, line 2: "),
        ("main_web.py.j2", "\n{{ 1 + project }}", "project/main_web.py.j2, line 2: "),
        ("main_web.py.j2", "\n{{ project.__class__ }}", "project/main_web.py.j2, line 2: "),
        (
            "parts.py.j2",
            "\n\n{% macro import_lines(m) %}{{ m.x }}{% endmacro %}",
            "project/parts.py.j2, line 3: ",
        ),
        ("main_web.py.j2", "app = 1\n", "project/main_web.py.j2 yields no usable main.py: "),
        ("main_web.py.j2", "def f(:\n", "project/main_web.py.j2 yields no usable main.py: "),
        ("requirements.txt.j2", "cart\n", "project/requirements.txt.j2 yields no usable requirements.txt: "),
        ("pyproject.toml.j2", "a = \n", "project/pyproject.toml.j2 yields no usable pyproject.toml: "),
    ],
)
def test_a_template_that_is_wrong_is_named(tmp_path: Path, name: str, source: str, place: str) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / name).write_text(source)
    with pytest.raises(TemplateProblem) as problem:
        ModuleTemplates(tmp_path).project_files(replace(WEB, plan=replace(PLAN, project="a b")))
    assert str(problem.value).startswith(place)


def test_a_wheel_holds_the_templates_where_they_are_looked_for(tmp_path: Path) -> None:
    """What the build is told; and the wheel itself where `uv build` has left one of these sources."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "templates" in wheel["packages"]
    assert wheel["sources"] == {"templates": "async_arch/templates"}
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "templates").rglob("*.j2")}
    newest = max((ROOT / path).stat().st_mtime for path in [*templates, "pyproject.toml"])
    for built in (ROOT / "dist").glob("*.whl"):
        if built.stat().st_mtime > newest:
            assert templates <= {
                name.removeprefix("async_arch/") for name in zipfile.ZipFile(built).namelist()
            }
