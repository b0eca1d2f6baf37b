"""The API of a module: the forms in which architects give it, and what is refused."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.api import FunctionSpec, ModuleApi, RouteSpec, read_api
from agents.conversation import UnusableAnswer
from tests.agents.shop import APIS


def signatures(*functions: object) -> list[str]:
    return [function.signature for function in read_api({"functions": list(functions)}).functions]


@pytest.mark.parametrize("name", APIS)
def test_an_api_is_read_back_as_it_was(name: str) -> None:
    assert read_api(APIS[name].as_dict()) == APIS[name]


@pytest.mark.parametrize(
    ("item", "signature"),
    [
        pytest.param({"signature": "find(a: int) -> dict"}, "find(a: int) -> dict", id="as asked for"),
        pytest.param({"name": "find(a)"}, "find(a)", id="name"),
        pytest.param("find(a: int, b: str = 'x') -> dict", "find(a: int, b: str='x') -> dict", id="text"),
        pytest.param(
            {"find(a": "int) -> dict"}, "find(a: int) -> dict", id="text that YAML took for a mapping"
        ),
        pytest.param("def find(a: int) -> dict:", "find(a: int) -> dict", id="def and colon"),
        pytest.param("find", "find()", id="only a name"),
        pytest.param({"name": "find"}, "find()", id="name without parentheses"),
        pytest.param("find(\n  a,\n  b,\n)", "find(a, b)", id="several lines"),
        pytest.param(
            "find( a:int,*,b = 1 )->list[ dict ]", "find(a: int, *, b=1) -> list[dict]", id="spacing"
        ),
        pytest.param(
            "find(a: 'A | None'=None, /, *b, **c)",
            "find(a: 'A | None'=None, /, *b, **c)",
            id="all kinds of parameters",
        ),
    ],
)
def test_a_signature_is_read_in_every_form_that_models_give_it(item: object, signature: str) -> None:
    assert signatures(item) == [signature]


@pytest.mark.parametrize(
    "item",
    [
        pytest.param("find order(a)", id="two words"),
        pytest.param("Cart.find(a)", id="method"),
        pytest.param("async def find(a)", id="async"),
        pytest.param("class Cart()", id="class"),
        pytest.param("find(int a)", id="types first"),
        pytest.param("find(a: int -> dict", id="never closed"),
        pytest.param("find(a, a)", id="parameter twice"),
        pytest.param("find(a=1, b)", id="default before none"),
        pytest.param("class(a)", id="keyword"),
        pytest.param("find(a): pass\ndef g()", id="two definitions"),
        pytest.param("find() -> (yield)", id="no type"),
        pytest.param({"find": "finds a book"}, id="name and purpose"),
        pytest.param(None, id="nothing"),
        pytest.param([], id="list"),
        pytest.param("find(a=" + "(" * 150 + "1" + ")" * 150 + "+1" * 900 + ")", id="deeper than the stack"),
        pytest.param("find(a=" + "-" * 900 + "1)", id="deeper than the printer can go"),
        pytest.param("find(" + "[" * 5_000, id="brackets"),
    ],
)
def test_what_is_no_signature_is_refused(item: object) -> None:
    with pytest.raises(UnusableAnswer, match=r"write name\(parameter: type\) -> type"):
        signatures(item)


@pytest.mark.parametrize("key", ["parameters", "params", "arguments", "args", "inputs"])
def test_parameters_beside_the_name_are_not_lost_silently(key: str) -> None:
    with pytest.raises(UnusableAnswer, match="'find' lacks its parameters"):
        signatures({"name": "find", key: ["a: int"], "returns": "dict"})


@pytest.mark.filterwarnings("error")
def test_a_signature_that_python_warns_of_is_no_warning_of_ours() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        (spec,) = read_api({"functions": [r"find(pattern: str = '\d')"]}).functions
        assert spec.parameters == ("pattern",)
    assert seen == []


def test_a_function_knows_its_name_and_its_parameters() -> None:
    spec = FunctionSpec("find(a, /, b: int=1, *rest, c, **more) -> dict", "")
    assert spec.name == "find"
    assert spec.parameters == ("a", "b", "c")


@pytest.mark.parametrize(
    ("item", "route"),
    [
        ({"method": "get", "path": "/cart"}, RouteSpec("GET", "/cart", "")),
        ({"route": "/cart", "description": "x"}, RouteSpec("GET", "/cart", "x")),
        ({"method": "DELETE", "path": "/cart/<int:item_id>"}, RouteSpec("DELETE", "/cart/<int:item_id>", "")),
        ({"path": "/"}, RouteSpec("GET", "/", "")),
        ({"path": "/a.b/c_d-e/<name>.html"}, RouteSpec("GET", "/a.b/c_d-e/<name>.html", "")),
    ],
)
def test_a_route_has_a_method_and_a_path(item: dict[str, object], route: RouteSpec) -> None:
    assert read_api({"functions": ["f()"], "routes": [item]}).routes == (route,)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"method": "FETCH", "path": "/cart"}, "the method 'FETCH'"),
        ({"method": "GET, POST", "path": "/cart"}, "the method 'GET, POST'"),
        ({"path": "cart"}, "route path 'cart' is not usable"),
        ({"path": "/my cart"}, "route path '/my cart'"),
        ({"path": "/cart/:id"}, "variables in angle brackets"),
        ({"path": "/cart/{item_id}"}, "variables in angle brackets"),
        ({"path": "/cart/<int:>"}, "route path"),
        ({"path": "/cart/<"}, "route path"),
        ({"path": "/cart?x=1"}, "route path"),
        ({}, "route path ''"),
        ("GET /cart", "route path ''"),
    ],
)
def test_what_flask_could_not_serve_is_refused(item: object, reason: str) -> None:
    with pytest.raises(UnusableAnswer, match=reason):
        read_api({"functions": ["f()"], "routes": [item]})


@pytest.mark.parametrize("nothing", [None, [], "", {}])
def test_an_api_may_have_no_routes_but_must_have_functions(nothing: object) -> None:
    assert read_api({"functions": ["f()"], "routes": nothing}).routes == ()
    with pytest.raises(UnusableAnswer, match="at least one function"):
        read_api({"functions": nothing})


@pytest.mark.parametrize("value", ["f()", {"f": {}}, 1])
def test_functions_and_routes_are_lists(value: object) -> None:
    with pytest.raises(UnusableAnswer, match="'functions' must be a list"):
        read_api({"functions": value})
    with pytest.raises(UnusableAnswer, match="'routes' must be a list"):
        read_api({"functions": ["f()"], "routes": value})


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(UnusableAnswer) as caught:
        read_api({"functions": ["f()", "f(a)", "g("], "routes": [{"method": "X", "path": "y"}]})
    parts = ("function f is specified twice", "'g('", "'X'", "'y'")
    assert [part in str(caught.value) for part in parts] == [True] * 4


def test_others_may_import_its_functions_and_with_routes_its_blueprint() -> None:
    assert APIS["Catalog"].names == {"find_book"}
    assert APIS["Cart"].names == {"add_item", "blueprint"}


@pytest.mark.timeout(15)
def test_many_functions_are_read_in_time_that_grows_with_their_number() -> None:
    """Counting each name among all names would take a minute."""
    with pytest.raises(UnusableAnswer, match="specified twice"):
        read_api({"functions": [f"f{number}()" for number in range(15_000)] + ["f1()"]})


VALUES = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["f(a)", "GET", "/x", "f", "f(a: int) -> dict"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["signature", "name", "purpose", "path", "method"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(VALUES, VALUES, VALUES)
def test_any_data_is_an_api_or_refused(functions: object, routes: object, notes: object) -> None:
    try:
        api = read_api({"functions": functions, "routes": routes, "notes": notes})
    except UnusableAnswer:
        return
    assert isinstance(api, ModuleApi)
    assert read_api(api.as_dict()) == api
    assert all(function.name.isidentifier() for function in api.functions)
