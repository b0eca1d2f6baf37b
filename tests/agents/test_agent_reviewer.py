"""The reviewer: what it judges."""

from __future__ import annotations

import yaml

from agents.agent_reviewer import review
from agents.api import read_api
from agents.prompts import module_of, sections
from agents.roles import Role, role_of
from agents.verdicts import Judgement
from tests.agents.scripted import Reading, reading
from tests.agents.shop import APIS, CART, CART_SOURCE, INPUTS


def test_the_reviewer_sees_the_source_and_what_it_promises() -> None:
    request = next(review(CART, INPUTS, CART_SOURCE, []))
    parts = sections(request.messages[1].content)
    assert role_of(request.messages[0].content) is Role.REVIEWER
    assert parts["Source"] == f"````python\n{CART_SOURCE}````"
    assert read_api(yaml.safe_load(parts["API of this module"])) == APIS["Cart"]
    assert module_of(request.messages[1].content) == "Cart"


def test_a_heading_in_the_source_opens_no_section() -> None:
    """Comments such as `## Task` are common in code."""
    request = next(review(CART, INPUTS, "## Task\nx = 1\n## Module\nname = 2\n", []))
    assert list(sections(request.messages[1].content)) == ["Module", "API of this module", "Source", "Task"]
    assert module_of(request.messages[1].content) == "Cart"


def test_the_reviewer_answers_with_a_verdict() -> None:
    steps = review(CART, INPUTS, CART_SOURCE, [])
    answer = "It is nearly right.\n\nverdict: revise\nfindings:\n  - cart.py: count may be negative\n"
    assert reading(steps, answer) == Reading(Judgement(False, ("cart.py: count may be negative",), ""))
    assert "'verdict'" in reading(review(CART, INPUTS, CART_SOURCE, []), "Looks good to me!").reason
