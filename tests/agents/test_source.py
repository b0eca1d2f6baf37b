"""What is told of source without running it."""

from __future__ import annotations

import pytest

from agents.answers import parse_python
from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.conversation import UnusableAnswer
from agents.plan import Plan
from agents.source import (
    Import,
    check_module,
    defined_names,
    imports,
    inspect_project,
    relative_imports,
    served_routes,
)
from tests.agents.shop import (
    APIS,
    CART,
    CART_SOURCE,
    CATALOG,
    CATALOG_SOURCE,
    FILES,
    MODULE_FILES,
    PLAN,
    SHOP,
)


def names(code: str) -> set[str]:
    return set(defined_names(parse_python(code)))


def routes(code: str) -> list[tuple[str, str]]:
    return served_routes(parse_python(code))


def problems_of(code: str, module: str = "Cart") -> str:
    """What `check_module` says of `code`, '' where nothing."""
    try:
        check_module(code, PLAN.module(module), PLAN, APIS)
    except UnusableAnswer as refused:
        return str(refused)
    return ""


# --- Names


@pytest.mark.parametrize(
    ("code", "defined"),
    [
        ("def f(): x = 1", {"f"}),
        ("async def f(): pass", {"f"}),
        ("class C:\n    x = 1", {"C"}),
        ("a = b = 1", {"a", "b"}),
        ("(a, [b, *c]) = x", {"a", "b", "c"}),
        ("a: int = 1", {"a"}),
        ("a: int", set()),
        ("a.b = 1", set()),
        ("a[i] = 1", set()),
        ("x = [y for y in z]", {"x"}),
        ("import os, a.b, c.d as e", {"os", "a", "e"}),
        ("from os import path, sep as s", {"path", "s"}),
        ("if x:\n    a = 1\nelif y:\n    b = 1\nelse:\n    c = 1", {"a", "b", "c"}),
        (
            "try:\n    a = 1\nexcept E:\n    b = 1\nelse:\n    c = 1\nfinally:\n    d = 1",
            {"a", "b", "c", "d"},
        ),
        ("with x:\n    a = 1", {"a"}),
    ],
)
def test_defined_names_are_what_an_import_would_find(code: str, defined: set[str]) -> None:
    assert names(code) == defined


@pytest.mark.parametrize("behind", ["f.calls = 0", "f = cache(f)", "__all__ = ['f']"])
def test_a_function_stays_one_whatever_is_done_with_its_name(behind: str) -> None:
    """Else a developer is told that a function is missing that stands in the file."""
    (node, *_) = defined_names(parse_python(f"def f(): pass\n{behind}")).values()
    assert type(node).__name__ == "FunctionDef"


def test_a_function_that_replaces_a_failed_import_counts() -> None:
    code = "try:\n    from fast import f\nexcept ImportError:\n    def f(): pass\n"
    assert type(defined_names(parse_python(code))["f"]).__name__ == "FunctionDef"


def test_a_chain_of_elif_longer_than_the_stack_is_read() -> None:
    code = "if x:\n    a0 = 1\n" + "".join(f"elif x:\n    a{n} = 1\n" for n in range(1, 1_200))
    assert len(names(code)) == 1_200


def test_imports_are_found_everywhere_with_their_top_level_module() -> None:
    code = "import os.path as p, re\nfrom a.b import c, d\nfrom . import e\ndef f():\n    from g import h\n"
    assert sorted(imports(parse_python(code)), key=lambda found: found.line) == [
        Import("os", None, 1),
        Import("re", None, 1),
        Import("a", "c", 2),
        Import("a", "d", 2),
        Import("g", "h", 5),
    ]


@pytest.mark.parametrize(
    ("code", "name"),
    [("from .cart import add", "cart"), ("from . import cart", "cart"), ("from ..a import b", "a")],
)
def test_relative_imports_are_named_with_what_to_write(code: str, name: str) -> None:
    assert [*relative_imports(parse_python(code))] == [
        f"line 1: a relative import fails here; import {name} by its plain name"
    ]


# --- Routes


@pytest.mark.parametrize(
    ("decorator", "served"),
    [
        ("@app.route('/a')", [("GET", "/a")]),
        ("@app.route('/a', methods=['post', 'PUT'])", [("POST", "/a"), ("PUT", "/a")]),
        ("@app.route('/a', methods=('GET',))", [("GET", "/a")]),
        ("@app.delete('/a')", [("DELETE", "/a")]),
        ("@login\n@app.get('/a')\n@app.post('/b')", [("GET", "/a"), ("POST", "/b")]),
        ("@app.route(PATH)", []),
        ("@app.route()", []),
        ("@route('/a')", []),
        ("@app.route", []),
        ("@app.errorhandler('/a')", []),
    ],
)
def test_routes_are_what_decorators_declare(decorator: str, served: list[tuple[str, str]]) -> None:
    assert routes(f"{decorator}\ndef view(): pass") == served


@pytest.mark.parametrize(
    ("blueprint", "route", "path"),
    [
        ("b = Blueprint('b', __name__, url_prefix='/cart')", "/<int:i>", "/cart/<int:i>"),
        ("b = Blueprint('b', __name__, url_prefix='/cart/')", "/", "/cart/"),
        ("b: Blueprint = flask.Blueprint('b', __name__, url_prefix='/cart')", "", "/cart/"),
        ("b = Blueprint('b', __name__, url_prefix=None)", "/x", "/x"),
        ("c = Blueprint('c', __name__, url_prefix='/c')\nb = Blueprint('b', __name__)", "/x", "/x"),
    ],
)
def test_the_prefix_of_a_blueprint_is_part_of_its_routes(blueprint: str, route: str, path: str) -> None:
    assert routes(f"{blueprint}\n@b.get('{route}')\ndef view(): pass") == [("GET", path)]


# --- One module against its API


@pytest.mark.parametrize("name", ["Catalog", "Cart", "Shop"])
def test_a_module_that_keeps_its_promises_passes(name: str) -> None:
    assert problems_of(MODULE_FILES[PLAN.module(name).filename], name) == ""


@pytest.mark.parametrize(
    ("found", "instead", "reason"),
    [
        pytest.param(
            "def add_item(", "def put(", "add_item(book_id: int, count: int=1) -> dict is missing", id="name"
        ),
        pytest.param(
            "book_id: int, count: int = 1", "book_id: int", "takes (book_id) and must", id="parameter lost"
        ),
        pytest.param("count: int = 1", "n: int = 1", "must take (book_id, count)", id="parameter renamed"),
        pytest.param("blueprint", "bp", "Blueprint named `blueprint` is missing", id="blueprint"),
        pytest.param(
            "blueprint.post", "blueprint.get", "the route POST /cart/<int:book_id> is missing", id="method"
        ),
        pytest.param(
            'post("/cart/', 'post("/basket/', "the route POST /cart/<int:book_id> is missing", id="path"
        ),
        pytest.param(
            "<int:book_id>", "<book_id>", "the route POST /cart/<int:book_id> is missing", id="converter"
        ),
        pytest.param(
            "import catalog\n", "import shop, catalog\n", "Cart does not require Shop", id="not required"
        ),
        pytest.param("import catalog\n", "import cart, catalog\n", "Cart does not require Cart", id="itself"),
        pytest.param(
            "import catalog\n", "from catalog import BOOKS as catalog\n", "BOOKS is not in the", id="inner"
        ),
        pytest.param(
            "catalog.find_book", "catalog.get_book", "line 14: get_book is not in the API", id="attribute"
        ),
        pytest.param("import catalog\n", "from . import catalog\n", "a relative import fails", id="relative"),
        pytest.param("def add_item(", "def add_item(:", "line 12: ", id="syntax"),
        pytest.param(
            "add_item(book_id", "add_item(self, book_id", "takes (self, book_id, count)", id="method of none"
        ),
    ],
)
def test_a_broken_promise_is_refused_with_the_reason(found: str, instead: str, reason: str) -> None:
    assert found in CART_SOURCE
    assert reason in problems_of(CART_SOURCE.replace(found, instead))


def test_a_function_that_is_a_class_or_a_value_is_missing() -> None:
    assert "is missing" in problems_of("class find_book: pass", "Catalog")
    assert "is missing" in problems_of("find_book = 1", "Catalog")


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(CART_SOURCE.replace("<int:book_id>", "<int:id>"), id="name of a variable in a route"),
        pytest.param(CART_SOURCE.replace('book_id>")', 'book_id>/")'), id="slash at the end"),
        pytest.param(CART_SOURCE.replace("@blueprint.post", "@blueprint.route").replace(
            'id>")', 'id>", methods=["POST"])'), id="route with methods"),
        pytest.param(CART_SOURCE.replace("__name__)", '__name__, url_prefix="/cart")').replace(
            '"/cart/<', '"/<'), id="prefix"),
        pytest.param(CART_SOURCE.replace("def add_item", "async def add_item"), id="async"),
        pytest.param(CART_SOURCE + "\nimport json\nimport requests\n", id="imports from elsewhere"),
        pytest.param(CART_SOURCE + "\nadd_item.calls = 0\n", id="attribute of a function"),
        pytest.param(CART_SOURCE.replace("import catalog", "import catalog as books").replace(
            "catalog.", "books."), id="import by another name"),
        pytest.param(CART_SOURCE + "\ndef _total(catalog: dict) -> int:\n    return len(catalog.values())\n",
                     id="parameter named as a module"),
        pytest.param(CART_SOURCE + "\ndef _f():\n    catalog = {}\n    return catalog.values()\n",
                     id="variable named as a module"),
    ],
)  # fmt: skip
def test_what_is_only_written_otherwise_passes(code: str) -> None:
    assert problems_of(code) == ""


def test_everything_that_is_wrong_with_a_module_is_told_at_once() -> None:
    told = problems_of("import shop\nfrom catalog import X\n")
    parts = ("add_item", "blueprint", "POST /cart", "does not require Shop", "X is not in the API")
    assert [part in told for part in parts] == [True] * 5


# --- A whole project


def inspected(**changes: str | None) -> tuple[str, ...]:
    """The inspection of the shop with files changed (`main__py="..."`) or taken away (None)."""
    files: dict[str, str | None] = {
        **FILES,
        **{path.replace("__", "."): new for path, new in changes.items()},
    }
    return inspect_project({path: content for path, content in files.items() if content is not None}, PLAN)


def test_a_whole_project_has_no_findings() -> None:
    assert inspect_project(FILES, PLAN) == ()


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        pytest.param({"cart__py": None}, "cart.py is missing", id="module missing"),
        pytest.param({"main__py": None}, "main.py is missing", id="entry point missing"),
        pytest.param({"cart__py": " \n"}, "cart.py is empty", id="empty module"),
        pytest.param({"static/shop__css": "\n"}, "static/shop.css is empty", id="empty style sheet"),
        pytest.param({"cart__py": "def f(:"}, "cart.py: the code is not valid Python: line 1", id="syntax"),
        pytest.param({"cart__py": "return 1"}, "'return' outside function", id="does not compile"),
        pytest.param(
            {"catalog__py": "x = 1"}, "shop.py, line 6: catalog.py defines no find_book", id="import"
        ),
        pytest.param(
            {"templates/shop__html": None}, "shop.py renders shop.html, and there is no", id="template"
        ),
        pytest.param(
            {"main__py": "from .cart import x\n"}, "main.py, line 1: a relative import", id="relative"
        ),
        pytest.param(
            {"main__py": FILES["main.py"] + '\n@app.get("/shop/")\ndef x(): pass\n'},
            "shop.py and main.py both serve GET /shop",
            id="one route twice",
        ),
    ],
)
def test_what_is_wrong_with_a_project_is_found(changes: dict[str, str | None], finding: str) -> None:
    (told,) = [told for told in inspected(**changes) if finding in told]
    assert told


def test_routes_under_prefixes_of_their_own_do_not_collide() -> None:
    page = "b = Blueprint('b', __name__, url_prefix='/{0}')\n@b.get('/')\ndef f(): pass\n"
    files = {"a.py": page.format("a"), "b.py": page.format("b"), "main.py": "x = 1\n"}
    assert inspect_project(files, Plan("P", "", ())) == ()


def test_findings_are_the_same_whatever_order_the_files_come_in() -> None:
    files = {"b.py": "", "a.py": "import (", "c.py": "from b import x"}
    assert inspect_project(files, PLAN) == inspect_project(dict(reversed(files.items())), PLAN)


@pytest.mark.filterwarnings("error")
def test_what_python_warns_of_in_a_project_is_no_warning_of_ours() -> None:
    assert inspected(catalog__py=CATALOG_SOURCE + 'PATTERN = "\\d"\n') == ()


@pytest.mark.timeout(15)
@pytest.mark.parametrize("path", ["<" * 60_000, "<a:" * 30_000, "<" + "a" * 90_000, "<a>" * 30_000])
def test_no_route_takes_long_to_compare(path: str) -> None:
    api = ModuleApi((FunctionSpec("f()", ""),), (RouteSpec("GET", "/x", ""),))
    code = f"def f(): pass\nblueprint = 1\n@blueprint.get({path!r})\ndef view(): pass\n"
    with pytest.raises(UnusableAnswer, match="GET /x is missing"):
        check_module(code, CATALOG, PLAN, {"Catalog": api})


def test_the_example_is_what_its_names_say() -> None:
    """The other tests lean on it: Shop requires both, Cart requires Catalog."""
    assert (SHOP.requires, CART.requires, CATALOG.requires) == (("Catalog", "Cart"), ("Catalog",), ())
