"""The optimizer: when it leaves the source alone, and when it does not."""

from __future__ import annotations

import pytest

from agents.agent_optimizer import optimize
from agents.prompts import sections
from tests.agents.scripted import Reading, reading
from tests.agents.shop import CART, CART_SOURCE, INPUTS, fence

BETTER = CART_SOURCE.replace("_items", "_entries")


def read(answer: str) -> Reading[str]:
    return reading(optimize(CART, INPUTS, CART_SOURCE, []), answer)


@pytest.mark.parametrize(
    "answer",
    [
        "NO CHANGE",
        "No changes.",
        "**NO CHANGE**\n\nThe code is fine.",
        "```\nNO CHANGE\n```",
        "```python\n# NO CHANGE\n```",
        fence(CART_SOURCE),
    ],
)
def test_the_source_stays_where_nothing_is_worth_changing(answer: str) -> None:
    assert read(answer) == Reading(CART_SOURCE)


@pytest.mark.parametrize(
    "answer",
    [
        fence(BETTER),
        f"No change of the API; this is simpler:\n{fence(BETTER)}",
        fence(BETTER.replace('"""The cart."""', '"""The cart: no change of the API."""')),
    ],
)
def test_better_source_is_taken_also_where_it_talks_of_no_change(answer: str) -> None:
    assert "_entries" in (read(answer).result or "")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("I would rename a variable.", "no Python code", id="prose"),
        pytest.param(
            fence(CART_SOURCE.replace("count: int = 1", "n: int = 1")), "must take", id="API changed"
        ),
        pytest.param(
            fence(CART_SOURCE.replace("@blueprint.post", "@blueprint.get")), "POST", id="route changed"
        ),
        pytest.param(fence("def add_item(book_id, count=1):\n    ...\n"), "blueprint", id="only a part"),
        pytest.param("change nothing", "no Python code", id="other words"),
    ],
)
def test_what_does_not_keep_the_api_goes_back_with_the_reason(answer: str, reason: str) -> None:
    assert reason in read(answer).reason


def test_the_optimizer_sees_the_source() -> None:
    parts = sections(next(optimize(CART, INPUTS, CART_SOURCE, [])).messages[1].content)
    assert parts["Source"] == f"````python\n{CART_SOURCE}````"
