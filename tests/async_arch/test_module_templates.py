"""Rendered modules: valid whatever they are given, and applications once their gaps are filled."""

from __future__ import annotations

import ast
import compileall
import importlib
import itertools
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.gap_filling import codes_in, filled
from agents.gaps import GapKind, Skeleton
from agents.plan import ModulePlan, ModuleType, Plan
from agents.project import Inputs, Order
from async_arch.module_templates import ModuleTemplates
from async_arch.template_environment import TemplateProblem

TEMPLATES = ModuleTemplates()
CATALOG = ModulePlan("Catalog", "catalog.py", ModuleType.DATA, "Products with name and price.")
CATALOG_API = ModuleApi(
    (
        FunctionSpec("add_product(name: str, price: float, tags: list=[]) -> dict", "Add a product."),
        FunctionSpec("get_product(product_id: int) -> dict", "Give the product with this id."),
        FunctionSpec("find_product(name: str) -> dict | None", "Find the product of this name."),
        FunctionSpec("count_products(cheap: bool=False, at_most: int=100) -> int", "Count the products."),
    ),
    (
        RouteSpec("POST", "/catalog", "add_product from the JSON body, answers 201"),
        RouteSpec("GET", "/catalog/<int:product_id>", "get_product, or 404"),
        RouteSpec("GET", "/catalog/name/<string:name>", "find_product, or 404"),
        RouteSpec("GET", "/catalog/count", "count_products as JSON"),
        RouteSpec("POST", "/catalog/import", "Takes in many products at once"),
    ),
)
SHOP_API = ModuleApi(
    (FunctionSpec("shop_groups(text: str='') -> list", "Give the groups of the page."),),
    (
        RouteSpec("GET", "/", "the page with shop_groups"),
        RouteSpec("GET", "/shop/<string:heading>", "the page with one group of shop_groups, or 404"),
    ),
)
LONG_API = ModuleApi(
    (
        FunctionSpec(
            "register_account_of_a_customer(name: str, email: str, address: str, newsletter: bool) -> dict",
            "",
        ),
        FunctionSpec(
            "register_another(name: str='O\\'Neil \"x\"', email: str='', delivery_address: "
            "dict[str, list[str]] | None=None, newsletter: bool=False, *, code: int | None=None) "
            "-> dict | None",
            "Register " + "x" * 120,
        ),
        FunctionSpec(f"find_{'very_' * 6}long(name: str) -> list", "Find. " + "Many words. " * 20),
        FunctionSpec("plain(a, b=1, *rest, **more)", "Do as said."),
    ),
    (
        RouteSpec("PUT", f"/{'long/' * 20}<name>", "register_another"),
        RouteSpec("GET", "/by/<name>", f"find_{'very_' * 6}long"),
        RouteSpec("GET", "/catalog/accounts/of/customers/and/of/those/who/<path:left>/<uuid:them>", "all"),
    ),
)


def _inputs(module: ModulePlan, api: ModuleApi, project: str = "Shop") -> Inputs:
    needed = [CATALOG] if "Catalog" in module.requires else []
    return Inputs(
        Order("A shop."), Plan(project, "", (*needed, module)), {"Catalog": CATALOG_API, module.name: api}
    )


def _module(kind: ModuleType, requires: tuple[str, ...] = (), description: str = "What it is.") -> ModulePlan:
    return ModulePlan("Thing", "thing.py", kind, description, requires)


def _skeleton(module: ModulePlan, api: ModuleApi, *imports: str, project: str = "Shop") -> Skeleton:
    skeleton = TEMPLATES.skeleton(module, _inputs(module, api, project), imports=imports)
    assert skeleton is not None
    return skeleton


def _cases() -> Iterator[tuple[ModulePlan, ModuleApi, tuple[str, ...]]]:
    apis = (CATALOG_API, SHOP_API, LONG_API)
    for kind, has_routes, requires, api in itertools.product(
        ModuleType, (True, False), ((), ("Catalog",)), apis
    ):
        used = ("json", "collections", *(["catalog"] if requires else []))
        for imports in ((), used):
            yield _module(kind, requires), api if has_routes else ModuleApi(api.functions), imports


def test_what_is_rendered_passes_the_linter_the_formatter_and_the_compiler(tmp_path: Path) -> None:
    for number, (module, api, imports) in enumerate(_cases()):
        skeleton = _skeleton(module, api, *imports)
        unused = "# ruff: noqa: F401\n" if imports else ""
        for name, source in (("open", skeleton.source), ("nothing", filled(skeleton, {"shared": ""}))):
            folder = tmp_path / f"{name}_{number}"
            folder.mkdir()
            (folder / "catalog.py").write_text("")
            (folder / "thing.py").write_text(unused + source, encoding="utf-8")
    assert compileall.compile_dir(tmp_path, quiet=2)
    # The API of LONG_API has a default that can change, as architects write them; it stays as it is.
    rules = ["--select", "E4,E7,E9,F,I,UP,B", "--ignore", "B006", "--config", 'src = ["*"]']
    for command in (["check", "--no-cache", *rules], ["format", "--no-cache", "--check", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "."]
        done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[:4000] + done.stderr[-2000:]


@pytest.mark.parametrize("kind", ModuleType)
def test_the_api_is_there_as_it_was_designed(kind: ModuleType) -> None:
    skeleton = _skeleton(_module(kind), LONG_API)
    for spec in LONG_API.functions:
        wanted = ast.parse(f"def {spec.signature}: ...").body[0]
        there = skeleton.defined[spec.name]
        assert isinstance(wanted, ast.FunctionDef)
        assert isinstance(there, ast.FunctionDef)
        assert ast.dump(there.args) == ast.dump(wanted.args)
        assert ast.unparse(there.returns or ast.Constant(0)) == ast.unparse(wanted.returns or ast.Constant(0))
        assert skeleton.gap(spec.name).signature == spec.signature


@pytest.mark.parametrize("kind", ModuleType)
def test_without_routes_there_is_no_flask(kind: ModuleType) -> None:
    source = _skeleton(_module(kind), ModuleApi(CATALOG_API.functions)).source
    assert "flask" not in source
    assert "blueprint" not in source


def test_gaps_stand_in_the_order_of_the_api_and_only_views_tied_to_nothing_are_gaps() -> None:
    skeleton = _skeleton(CATALOG, CATALOG_API)
    functions = [function.name for function in CATALOG_API.functions]
    assert [gap.name for gap in skeleton.gaps] == ["shared", *functions, "post_catalog_import_view"]
    assert skeleton.gaps[0].kind is GapKind.SHARED
    view = skeleton.gap("post_catalog_import_view")
    assert view.does == "POST /catalog/import: Takes in many products at once."
    assert view.signature == "post_catalog_import_view() -> ResponseReturnValue"


def test_checks_are_there_for_the_types_of_parameters() -> None:
    everything = {f"_{name}" for name in ("text", "texts", "number", "whole", "flag")}
    assert everything <= _skeleton(CATALOG, CATALOG_API).defined.keys()
    numbers = ModuleApi(
        (FunctionSpec("add(amount: float | None=None, rows: list[dict]=[]) -> None", "Add."),)
    )
    assert everything & _skeleton(_module(ModuleType.DATA), numbers).defined.keys() == {"_number"}


def test_what_required_modules_offer_can_be_used() -> None:
    skeleton = _skeleton(_module(ModuleType.SERVICE, ("Catalog",)), SHOP_API, "catalog", "copy")
    assert skeleton.modules == {"catalog": CATALOG_API.names}
    assert {"catalog", "copy"} <= skeleton.defined.keys()


QUOTES = ('"""', "'''", '"', "'", "\\", '\\"', "\\N{BULLET}", "#", '"gap: add_product"', "gap: shared")
TAGS = ("{{ 1/0 }}", "{% raw %}", "{#", "%}")
UNSEEN = ("\n", "\r", "\t", "\x00", "\x1b", "\u2028", "\u202e", "\ud800", "é", "漢字")
NASTY = st.sampled_from((*QUOTES, *TAGS, *UNSEEN))
TEXT = st.lists(st.one_of(NASTY, st.text(max_size=20)), max_size=12).map("".join)


def _statements(source: str, project: str) -> str:
    """The tree of a module without its docstrings, and without the project's name."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Module(body=body) | ast.FunctionDef(body=body) if ast.get_docstring(node) is not None:
                body[0] = ast.Pass()
            case ast.Constant(value=text) if text == project:
                node.value = "the project"
    return ast.dump(tree)


def _with_texts(said: str) -> ModuleApi:
    functions = tuple(FunctionSpec(f.signature, said) for f in SHOP_API.functions)
    routes = tuple(RouteSpec(r.method, r.path, f"{r.purpose} {said}") for r in SHOP_API.routes)
    return ModuleApi(functions, (*routes, RouteSpec("GET", "/free", said)), said)


@given(st.sampled_from(ModuleType), TEXT, TEXT, TEXT)
def test_no_text_changes_what_a_module_does(
    kind: ModuleType, described: str, said: str, project: str
) -> None:
    project = f"Project {project}"
    skeleton = _skeleton(_module(kind, description=described), _with_texts(said), project=project)
    plain = _skeleton(_module(kind), _with_texts("Give them."), project="Project")
    assert _statements(skeleton.source, project) == _statements(plain.source, "Project")
    assert skeleton.places.keys() == plain.places.keys()


def test_titles_are_in_the_quotes_that_formatters_want(tmp_path: Path) -> None:
    titles = ('Say "hi"', "It's", '\\"\'"', "Plain", "漢字" * 30, "x" * 90, 'a "b" ' * 12, "\x01\x7f")
    for number, title in enumerate(titles):
        source = _skeleton(_module(ModuleType.WEB_INTERFACE), SHOP_API, project=title).source
        assert title in {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)}
        (tmp_path / f"page_{number}.py").write_text(source, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "--diff", "--isolated", "."]
    done = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[:4000]


NOT_NAMES = {
    "function": ModuleApi((FunctionSpec("add item() -> dict", ""),)),
    "keyword": ModuleApi((FunctionSpec("class() -> dict", ""),)),
    "two functions": ModuleApi((FunctionSpec("a(): return 1\ndef b()", ""),)),
    "body": ModuleApi((FunctionSpec("a() -> dict: print()\n\nraise SystemExit #", ""),)),
    "parameter": ModuleApi((FunctionSpec("a(b, b) -> dict", ""),)),
    "path": ModuleApi((FunctionSpec("a()", ""),), (RouteSpec("GET", "/<x, y>", ""),)),
    "keyword in a path": ModuleApi((FunctionSpec("a()", ""),), (RouteSpec("GET", "/<class>", ""),)),
    "comment": ModuleApi((FunctionSpec("a() -> dict: return {} #", ""),)),
    "method": ModuleApi((FunctionSpec("a()", ""),), (RouteSpec('GET("/")\n@x', "/", "a"),)),
}


@pytest.mark.parametrize("case", NOT_NAMES)
def test_names_that_are_none_are_refused(case: str) -> None:
    with pytest.raises(TemplateProblem, match=r"\.py\.j2"):
        _skeleton(_module(ModuleType.SERVICE), NOT_NAMES[case])


def test_a_file_name_that_is_no_name_is_refused() -> None:
    module = ModulePlan("Thing", 'x"\n.py', ModuleType.SERVICE, "")
    with pytest.raises(TemplateProblem, match=r"base\.py\.j2, line \d+: .*is not a name"):
        _skeleton(module, SHOP_API)


def test_a_module_that_is_not_required_is_refused() -> None:
    with pytest.raises(TemplateProblem, match="the module catalog, which it does not require"):
        _skeleton(_module(ModuleType.SERVICE), SHOP_API, "catalog")


@pytest.mark.parametrize(
    "api",
    [
        ModuleApi((FunctionSpec("list() -> list", "Hides what the module itself calls."),)),
        ModuleApi((FunctionSpec("request(a: int) -> dict", "Hides the request."),)),
        ModuleApi((FunctionSpec("date(day: date) -> str", "Hides its own type."),)),
        ModuleApi((FunctionSpec("shared() -> str", "Is called like a gap."),)),
        ModuleApi((FunctionSpec("place(order: Order) -> Order", "Has a class that nobody wrote."),)),
        ModuleApi((FunctionSpec("find(limit: int=LIMIT) -> list", "Has a constant that nobody wrote."),)),
        ModuleApi((FunctionSpec("trouvé() -> list", "Is not ASCII."),)),
        ModuleApi((FunctionSpec("get(x: str) -> str", ""),), (RouteSpec("GET", "/<str:x>", "get"),)),
    ],
)
def test_what_templates_cannot_hold_is_written_whole(api: ModuleApi) -> None:
    module = _module(ModuleType.SERVICE)
    assert TEMPLATES.skeleton(module, _inputs(module, api)) is None


def test_a_type_without_a_template_is_written_whole() -> None:
    module = _module(cast(ModuleType, "robot"))
    assert TEMPLATES.skeleton(module, _inputs(module, SHOP_API)) is None


def test_types_of_the_standard_library_are_imported() -> None:
    spec = FunctionSpec(
        "plan(day: date, price: 'Decimal | None'=None, then: datetime.date=None) -> Any", "Plan."
    )
    source = _skeleton(_module(ModuleType.WEB_INTERFACE), ModuleApi((spec,)), "datetime").source
    for line in ("import datetime", "from datetime import date", "from decimal import Decimal"):
        assert f"\n{line}\n" in source
    assert 'price: "Decimal | None" = None' in source


def test_a_function_may_be_called_like_a_module_of_the_library() -> None:
    skeleton = _skeleton(_module(ModuleType.DATA), ModuleApi((FunctionSpec("json() -> str", ""),)), "json")
    assert isinstance(skeleton.defined["json"], ast.FunctionDef)
    assert "import json" not in skeleton.source


BROKEN = {
    "syntax": ('"""x"""\n\n{% if %}', r"data\.py\.j2, line 3: "),
    "undefined": ('"""x"""\n{{ nothing }}', r"data\.py\.j2, line 2: 'nothing' is undefined"),
    "unsafe": ('"""x"""\n\n\n{{ "".__class__.__mro__ }}', r"data\.py\.j2, line 4: .*unsafe"),
    "wrong": ('"""x"""\n{{ 1 / 0 }}', r"data\.py\.j2, line 2: division by zero"),
    "endless": ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", r"data\.py\.j2.* without end"),
    "base": ('{% extends "module/none.py.j2" %}', r"data\.py\.j2, line 1: .*module/none\.py\.j2"),
    "python": ('"""x"""\n\ndef x(:\n', r"data\.py\.j2: line 3 of what it yields is not Python .*: def x\(:"),
    "no gaps": ('"""x"""\n', r"data\.py\.j2: the gap shared is not there"),
    "a gap twice": (
        '{% extends "module/keeping.py.j2" %}{% block helpers %}\n{{ shared | open }}\n{% endblock %}',
        r"data\.py\.j2: the gap shared is there twice",
    ),
    "imports": (
        '{% extends "module/base.py.j2" %}{% block needs %}import a, b{% endblock %}',
        r"base\.py\.j2, line \d+: 'import a, b' is neither",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_template_is_named_with_the_line(case: str, tmp_path: Path) -> None:
    template, said = BROKEN[case]
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "data.py.j2").write_text(template)
    with pytest.raises(TemplateProblem, match=said):
        ModuleTemplates(tmp_path).skeleton(CATALOG, _inputs(CATALOG, CATALOG_API))


CATALOG_CODES = {
    "shared": "_LIMITS = {\n    'name': 80,\n}\n\n\ndef _copied(row):\n    return copy.deepcopy(row)",
    "add_product": (
        "row = {'name': _text('name', name), 'price': _number('price', price)}\n"
        "row['tags'] = _texts('tags', tags)\n"
        "with _lock:\n    product_id = next(_ids)\n    _rows[product_id] = {'id': product_id, **row}\n"
        "    return _copied(_rows[product_id])"
    ),
    "get_product": "# As it is now.\nwith _lock:\n    return _copied(_known(product_id))",
    "find_product": "return next((_copied(row) for row in _rows.values() if row['name'] == name), None)",
    "count_products": (
        "wanted = 10 if _flag('cheap', cheap) else 1e12\n"
        "return len([row for row in _rows.values() if row['price'] < wanted][:at_most])"
    ),
    "post_catalog_import_view": (
        "for row in request.get_json():\n    add_product(**row)\nreturn jsonify(count_products()), 201"
    ),
}
SHOP_CODES = {
    "shared": "",
    "shop_groups": "return [{'heading': text or 'All', 'rows': [{'count': catalog.count_products()}]}]",
}
SHOP = ModulePlan("Shop", "shop.py", ModuleType.WEB_INTERFACE, "The page.", ("Catalog",))


def test_a_filled_module_is_read_back_as_it_was_filled() -> None:
    skeleton = _skeleton(CATALOG, CATALOG_API, "copy")
    source = filled(skeleton, CATALOG_CODES)
    assert codes_in(skeleton, source) == CATALOG_CODES
    assert codes_in(_skeleton(CATALOG, CATALOG_API), source) is None
    shop = _skeleton(SHOP, SHOP_API, "catalog")
    assert codes_in(shop, filled(shop, SHOP_CODES)) == SHOP_CODES


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """An application of two rendered modules with their gaps filled."""
    parts: Mapping[str, tuple[Skeleton, Mapping[str, str]]] = {
        "catalog": (_skeleton(CATALOG, CATALOG_API, "copy"), CATALOG_CODES),
        "shop": (_skeleton(SHOP, SHOP_API, "catalog"), SHOP_CODES),
    }
    page = "<h1>{{ title }}</h1>{% for group in groups %}{{ group.heading }}: {{ group.rows }}{% endfor %}"
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "shop.html").write_text(page)
    for name, (skeleton, codes) in parts.items():
        (tmp_path / f"{name}.py").write_text(filled(skeleton, codes))
    monkeypatch.syspath_prepend(tmp_path)
    app = Flask("rendered", root_path=str(tmp_path))
    for name in parts:
        app.register_blueprint(importlib.import_module(name).blueprint)
    yield app.test_client()
    for name in parts:
        del sys.modules[name]


def test_an_application_of_rendered_modules_answers(client: FlaskClient) -> None:
    row = {"name": " Tea ", "price": 3}
    made = client.post("/catalog", json=row)
    assert (made.status_code, made.json) == (201, {"id": 1, "name": "Tea", "price": 3.0, "tags": []})
    assert client.get("/catalog/1").json == made.json
    assert client.get("/catalog/name/Tea").json == made.json
    assert client.post("/catalog/import", json=[row | {"price": 30, "tags": ["x"]}]).status_code == 201
    assert client.get("/catalog/count").json == {"count": 2}
    assert client.get("/catalog/count?cheap=yes").json == {"count": 1}
    assert client.get("/catalog/count?at_most=1&cheap=no").json == {"count": 1}


def test_an_application_of_rendered_modules_tells_what_is_wrong(client: FlaskClient) -> None:
    assert client.get("/catalog/7").json == {"error": "there is no product 7"}
    assert client.get("/catalog/7").status_code == 404
    nobody = client.get("/catalog/name/Milk")
    assert (nobody.status_code, nobody.json) == (404, {"error": "there is no product with name Milk"})
    for body, said in (
        ({"name": "Tea"}, "the body must be a JSON object with name, price"),
        ([], "the body must be a JSON object with name, price"),
        ({"name": " ", "price": 1}, "name must be a text that is not empty"),
        ({"name": "Tea", "price": -1}, "price must be a number between 0 and 1e12"),
        ({"name": "Tea", "price": 1, "tags": [1]}, "tags must be a list of texts"),
    ):
        answer = client.post("/catalog", json=body)
        assert (answer.status_code, answer.json) == (400, {"error": said})
    assert client.post("/catalog", data="{", content_type="application/json").status_code == 400
    assert client.get("/nowhere").status_code == 404


def test_pages_of_rendered_modules_are_shown(client: FlaskClient) -> None:
    assert client.get("/").text == "<h1>Shop</h1>All: [{&#39;count&#39;: 0}]"
    assert client.get("/?q=Tea").text.endswith("Tea: [{&#39;count&#39;: 0}]")
    assert client.get("/shop/all").text.startswith("<h1>all</h1>All: ")
    missing = client.get("/shop/none")
    assert (missing.status_code, missing.json) == (404, {"error": "there is nothing called none"})
