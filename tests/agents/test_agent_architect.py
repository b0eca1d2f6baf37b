"""The architect: what it sees, and what comes of the APIs that models really answer."""

from __future__ import annotations

import pytest
import yaml

from agents.agent_architect import design
from agents.api import FunctionSpec, ModuleApi, RouteSpec, read_api
from agents.plan import ModuleType, Plan
from agents.project import Inputs
from agents.prompts import module_of, sections
from tests.agents.scripted import Reading, reading
from tests.agents.shop import APIS, CART, CATALOG, ORDER, PLAN, SHOP, fence

INPUTS = Inputs(ORDER, PLAN, {"Catalog": APIS["Catalog"]})
COMMAND_LINE = Inputs(ORDER, Plan("Books", "", (CATALOG,)))

API = ModuleApi(
    (FunctionSpec("find(a: int) -> dict | None", "Finds: one."),),
    (RouteSpec("GET", "/cart/<int:a>", ""),),
    "Small.",
)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            'functions:\n  - signature: "find(a: int) -> dict | None"\n    purpose: "Finds: one."\n'
            "routes:\n  - method: GET\n    path: /cart/<int:a>\nnotes: Small.\n",
            id="as asked for",
        ),
        pytest.param(
            "functions:\n  - signature: find(a: int) -> dict | None\n    purpose: Finds: one.\n"
            "routes:\n  - method: get\n    path: /cart/<int:a>\nnotes: Small.\n",
            id="no quotes around colons",
        ),
        pytest.param(
            "functions:\n- name: def find(a: int) -> dict | None:\n  description: Finds: one.\n"
            "routes:\n- path: /cart/<int:a>\nnotes: Small.\n",
            id="other keys",
        ),
        pytest.param(
            '{"functions": [{"signature": "find(a: int) -> dict | None", "purpose": "Finds: one."}], '
            '"routes": [{"method": "GET", "path": "/cart/<int:a>"}], "notes": "Small."}',
            id="JSON",
        ),
    ],
)
@pytest.mark.parametrize(
    "wrap", ["{}", "```yaml\n{}\n```", "Here you go:\n\n```\n{}\n```\nDone!", "Well.\n\n{}\n\nBye!"]
)
def test_an_api_is_read_from_what_models_answer(answer: str, wrap: str) -> None:
    assert reading(design(CART, INPUTS, []), wrap.replace("{}", answer)) == Reading(API)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("The module should have a find function.", "key 'functions'", id="prose"),
        pytest.param(fence("def find(a: int) -> dict:\n    ...\n"), "key 'functions'", id="code"),
        pytest.param("functions: []\n", "at least one function", id="no functions"),
        pytest.param("functions:\n  - signature: find order\n", "'find order()' is not Python", id="words"),
        pytest.param("functions:\n  - name: find\n    parameters: [a]\n", "lacks its parameters", id="split"),
        pytest.param("functions: [f()]\nroutes: GET /cart\n", "'routes' must be a list", id="routes as text"),
        pytest.param(
            "functions: [f()]\nroutes:\n  - path: /cart/:id\n", "angle brackets", id="another framework"
        ),
        pytest.param("functions: [f()]\nroutes:\n  - path: cart\n", "begins with /", id="no slash"),
    ],
)
def test_an_api_that_cannot_be_built_goes_back_with_the_reason(answer: str, reason: str) -> None:
    assert reason in reading(design(CART, INPUTS, []), answer).reason


@pytest.mark.parametrize("routes", ["routes: []", "routes: none", "routes:", ""])
def test_a_command_line_tool_has_no_routes(routes: str) -> None:
    assert reading(design(CATALOG, COMMAND_LINE, []), f"functions: [f()]\n{routes}").result is not None
    answer = "functions: [f()]\nroutes: [{path: /x}]"
    assert (
        "command-line tool; 'routes' must be []" in reading(design(CATALOG, COMMAND_LINE, []), answer).reason
    )


def test_the_architect_sees_the_apis_of_what_its_module_requires() -> None:
    """Its `requires` are real: an API that is not seen is invented."""
    parts = sections(next(design(CART, INPUTS, [])).messages[1].content)
    seen = yaml.safe_load(parts["APIs of the modules it requires"])
    assert {name: data.pop("import") for name, data in seen.items()} == {"Catalog": "catalog"}
    assert read_api(seen["Catalog"]) == APIS["Catalog"]
    assert yaml.safe_load(parts["Module"]) == CART.as_dict()


def test_without_requirements_there_is_no_section_for_them() -> None:
    request = next(design(CATALOG, INPUTS, []))
    assert list(sections(request.messages[1].content)) == ["Project", "Module", "Task"]
    assert module_of(request.messages[1].content) == "Catalog"


def test_the_routes_of_a_module_begin_with_its_name() -> None:
    module = type(SHOP)("OrderItems", "order_items.py", ModuleType.SERVICE, "")
    assert "begin with /order-items" in next(design(module, INPUTS, [])).messages[1].content
    assert "no module has routes" in next(design(CATALOG, COMMAND_LINE, [])).messages[1].content
