"""The developer: what it sees, and what comes of the code that models really answer."""

from __future__ import annotations

import pytest
import yaml

from agents.agent_developer import develop, revise
from agents.api import read_api
from agents.prompts import module_of, sections
from tests.agents.scripted import Reading, reading
from tests.agents.shop import APIS, CART, CART_SOURCE, CATALOG, CATALOG_SOURCE, INPUTS, SHOP, fence


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(fence(CART_SOURCE), id="as asked for"),
        pytest.param(f"Here's cart.py:\n\n{fence(CART_SOURCE)}\nIt uses `catalog`.", id="chatter"),
        pytest.param(fence(CART_SOURCE, ""), id="no language"),
        pytest.param(f"```python\n{CART_SOURCE}", id="never closed"),
        pytest.param(CART_SOURCE, id="no fence"),
        pytest.param(fence(CART_SOURCE) + "\n```bash\nflask run\n```", id="another block"),
        pytest.param(fence("import catalog\n") + "\nWhole:\n" + fence(CART_SOURCE), id="a draft before"),
        pytest.param(fence(CART_SOURCE).replace("\n", "\r\n"), id="CRLF"),
    ],
)
def test_a_module_is_read_from_what_models_answer(answer: str) -> None:
    assert reading(develop(CART, INPUTS, []), answer) == Reading(CART_SOURCE)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("I'm sorry, I can't do that.", "no Python code", id="refusal"),
        pytest.param(fence("# TODO\n"), "no definition", id="to do"),
        pytest.param(fence(CART_SOURCE)[:300], "not valid Python", id="cut off"),
        pytest.param(fence(CATALOG_SOURCE), "the function add_item", id="another module"),
        pytest.param(fence(CART_SOURCE.replace("def add_item", "def addItem")), "add_item", id="renamed"),
        pytest.param(
            fence(CART_SOURCE.replace("import catalog", "from .catalog import *")), "relative", id="relative"
        ),
        pytest.param(
            fence(CART_SOURCE.replace("catalog.find_book", "catalog.get")), "get is not in the API", id="API"
        ),
        pytest.param(fence("import os\n\n# ... the rest stays as it was\n"), "add_item", id="elided"),
        pytest.param("```html\n<p>\n```", "no Python code", id="another language"),
    ],
)
def test_a_module_that_breaks_its_api_goes_back_with_the_reason(answer: str, reason: str) -> None:
    assert reason in reading(develop(CART, INPUTS, []), answer).reason


def test_the_developer_sees_its_own_api_and_those_of_what_its_module_requires() -> None:
    request = next(develop(CART, INPUTS, []))
    parts = sections(request.messages[1].content)
    assert read_api(yaml.safe_load(parts["API of this module"])) == APIS["Cart"]
    assert list(yaml.safe_load(parts["APIs of the modules it requires"])) == ["Catalog"]
    assert (request.module, module_of(request.messages[1].content)) == ("Cart", "Cart")


def test_the_task_names_blueprint_and_template_only_where_there_are_any() -> None:
    task = {
        m.name: sections(next(develop(m, INPUTS, [])).messages[1].content)["Task"]
        for m in (CATALOG, CART, SHOP)
    }
    assert 'Blueprint("cart", __name__)' in task["Cart"]
    assert 'render_template("shop.html", ...)' in task["Shop"]
    assert "Blueprint" not in task["Catalog"]
    assert "render_template" not in task["Cart"]


def test_a_revision_goes_on_from_the_draft_and_the_findings() -> None:
    request = next(revise(CART, INPUTS, CART_SOURCE, ["no check"], []))
    assert request.attempt == 2
    assert request.messages[:2] == next(develop(CART, INPUTS, [])).messages
    assert request.messages[2].content == fence(CART_SOURCE).rstrip()
    assert "- no check" in request.messages[3].content
    assert "add_item" in reading(revise(CART, INPUTS, CART_SOURCE, ["x"], []), fence("x = 1\n")).reason
