"""What an agent is given to work with."""

from __future__ import annotations

import pytest
import yaml

from agents.api import read_api
from agents.plan import Plan
from agents.project import Inputs, describe_api, describe_apis, describe_project
from tests.agents.shop import APIS, CART, CATALOG, ORDER, PLAN


def test_a_task_behind_the_plan_has_one() -> None:
    assert Inputs(ORDER, PLAN).made_plan is PLAN
    with pytest.raises(LookupError, match="needs a plan"):
        _ = Inputs(ORDER).made_plan


def test_a_project_is_described_by_what_all_its_agents_must_know() -> None:
    assert yaml.safe_load(describe_project(PLAN)) == {
        "project": "Books",
        "summary": "Sells books.",
        "kind": "web application (Flask)",
        "modules": {"Shop": "web_interface", "Catalog": "data", "Cart": "service"},
    }
    assert "command-line tool" in describe_project(Plan("P", "", (CATALOG,)))


def test_apis_are_described_under_the_name_of_their_module_with_the_name_to_import() -> None:
    described = yaml.safe_load(describe_apis((CATALOG, CART), APIS))
    assert {name: data.pop("import") for name, data in described.items()} == {
        "Catalog": "catalog",
        "Cart": "cart",
    }
    assert read_api(described["Cart"]) == APIS["Cart"]
    assert read_api(yaml.safe_load(describe_api(APIS["Cart"]))) == APIS["Cart"]


def test_no_apis_are_no_text_so_that_their_section_is_left_out() -> None:
    assert describe_apis((), APIS) == ""
