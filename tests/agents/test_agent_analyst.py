"""The analyst: what it is asked, and what comes of the plans that models really answer."""

from __future__ import annotations

import pytest

from agents.agent_analyst import MOST_QUESTIONS, brief, interview, plan, revise_plan
from agents.conversation import Attempt, AttemptStatus
from agents.drivers import drive
from agents.plan import ModuleHint, ModuleType
from agents.project import Order
from agents.prompts import module_of, sections
from tests.agents.scripted import Reading, ScriptedModel, reading
from tests.agents.shop import ORDER, PLAN, fence

GOOD = """\
project: Books
summary: Sells books.
modules:
  - name: Catalog
    filename: catalog.py
    module_type: data
    description: "Keeps the books."
    requires: []
  - name: Cart
    filename: cart.py
    module_type: service
    description: "Holds what is bought."
    requires: [Catalog]
"""


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(fence(GOOD, "yaml"), id="as asked for"),
        pytest.param(f"Sure! Here's the plan:\n\n{fence(GOOD, 'yaml')}\nLet me know!", id="chatter"),
        pytest.param(f"Let me think: a shop needs books.\n\n{GOOD}\nThat should do.", id="no fence, chatter"),
        pytest.param(fence(GOOD, ""), id="no language"),
        pytest.param(fence(GOOD.replace("requires: []", "requires: none"), "yaml"), id="requires none"),
        pytest.param(fence(GOOD.replace("    requires: []\n", ""), "yaml"), id="requires left out"),
        pytest.param(
            fence(GOOD.replace("requires: [Catalog]", "requires: Catalog"), "yaml"), id="one, no list"
        ),
        pytest.param(fence(GOOD.replace("    filename: cart.py\n", ""), "yaml"), id="no file name"),
        pytest.param(fence(GOOD.replace("service", "Backend"), "yaml"), id="synonym"),
        pytest.param(fence(GOOD.replace('"', ""), "yaml"), id="no quotes"),
        pytest.param(
            fence(GOOD.replace("Sells books.", "Shop: sells books, all: kinds"), "yaml"), id="colons"
        ),
        pytest.param(fence(GOOD.replace("  -", "-").replace("    ", "  "), "yaml"), id="less indentation"),
        pytest.param(fence("---\n" + GOOD + "---\n", "yaml"), id="document marks"),
        pytest.param(fence(GOOD.replace("modules:", "modules: # two"), "yaml"), id="comment"),
        pytest.param(fence(GOOD, "yaml").replace("\n", "\r\n"), id="CRLF"),
        pytest.param(
            "modules:\n  Catalog:\n    module_type: data\n    description: Keeps.\n"
            "  Cart:\n    module_type: service\n    requires:\n      - Catalog\n",
            id="modules as a mapping",
        ),
        pytest.param(
            '{"modules": [{"name": "Catalog", "module_type": "data"},'
            ' {"name": "Cart", "module_type": "service", "requires": ["Catalog"]}]}',
            id="JSON",
        ),
    ],
)
def test_a_plan_is_read_from_what_models_answer(answer: str) -> None:
    result = reading(plan(ORDER, []), answer).result
    assert result is not None
    told = [(m.name, m.filename, m.module_type.value, m.requires) for m in result.modules]
    assert told == [("Catalog", "catalog.py", "data", ()), ("Cart", "cart.py", "service", ("Catalog",))]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(
            "I need more details before I can plan.", "no YAML mapping with the key 'modules'", id="refusal"
        ),
        pytest.param(fence("plan:\n  " + GOOD.replace("\n", "\n  "), "yaml"), "key 'modules'", id="nested"),
        pytest.param(fence(GOOD, "yaml")[:200], "module Cart has the module_type ''", id="cut off"),
        pytest.param(
            fence(GOOD.replace("data", "database layer"), "yaml"), "'database_layer'", id="made-up type"
        ),
        pytest.param(
            fence(GOOD.replace("[Catalog]", "[Stock]"), "yaml"), "requires Stock", id="unknown module"
        ),
        pytest.param(
            fence(GOOD.replace("[Catalog]", "[catalog.py]"), "yaml"), "catalog.py", id="requires a file"
        ),
        pytest.param(
            fence(GOOD.replace("requires: []", "requires: [Cart]"), "yaml"), "in a circle", id="circle"
        ),
        pytest.param(fence(GOOD.replace("cart.py", "src/cart.py"), "yaml"), "no folder", id="folder"),
        pytest.param(fence(GOOD.replace("cart.py", "app.py"), "yaml"), "use app_module.py", id="app.py"),
        pytest.param(
            fence(GOOD.replace("cart.py", "catalog.py"), "yaml"), "used twice", id="one file for two"
        ),
        pytest.param(fence("modules: []\n", "yaml"), "at least one module", id="no modules"),
        pytest.param(fence("modules: to be decided\n", "yaml"), "at least one module", id="prose"),
        pytest.param(fence(GOOD.replace("  - ", "* "), "yaml"), "cannot be read", id="stars for a list"),
        pytest.param(
            GOOD.replace('"Keeps the books."', "Keeps\nthe books."),
            "cannot be read",
            id="torn by a line of text",
        ),
    ],
)
def test_a_plan_that_cannot_be_built_goes_back_with_the_reason(answer: str, reason: str) -> None:
    assert reason in reading(plan(ORDER, []), answer).reason


def test_the_form_that_is_shown_can_be_read() -> None:
    steps = plan(ORDER, [])
    task = next(steps).messages[1].content
    result = reading(plan(ORDER, []), task.replace("[Catalog]", "[]")).result
    assert result is not None
    assert result.modules[0].name == "Orders"


def test_the_prompt_holds_the_idea_and_what_was_asked_for() -> None:
    hints = (ModuleHint("Cart", ModuleType.SERVICE, "Holds.", ()), ModuleHint("Stock"))
    parts = sections(next(plan(Order("A shop.\n## Task\nIgnore this.", hints), [])).messages[1].content)
    assert list(parts) == ["Idea", "Modules asked for", "Task"]
    assert (
        "- name: Cart\n  module_type: service\n  description: Holds.\n- name: Stock"
        in parts["Modules asked for"]
    )
    assert list(sections(next(plan(ORDER, [])).messages[1].content)) == ["Idea", "Task"]


def test_a_plan_must_heed_the_hints_at_the_first_try_and_in_a_revision() -> None:
    order = Order("A shop.", (ModuleHint("Stock"),))
    answer = fence(GOOD, "yaml")
    assert "Stock was asked for and is missing" in reading(plan(order, []), answer).reason
    assert "Stock was asked for" in reading(revise_plan(order, PLAN, ["more"], []), answer).reason


def test_a_revision_goes_on_from_the_first_plan_and_the_findings() -> None:
    request = next(revise_plan(ORDER, PLAN, ["no stock", "## Module\nname: X"], []))
    assert request.attempt == 2
    assert [message.speaker for message in request.messages] == ["system", "user", "assistant", "user"]
    assert reading(plan(ORDER, []), request.messages[2].content) == Reading(PLAN)
    assert "- no stock" in request.messages[3].content
    assert module_of(request.messages[1].content) is None


@pytest.mark.parametrize(
    ("answer", "questions"),
    [
        ("questions:\n  - Who uses it?\n  - What for?", ("Who uses it?", "What for?")),
        (fence("questions: []\n", "yaml"), ()),
        ("questions:", ()),
        ("questions: none", ()),
        ("questions: [" + ", ".join(f"'q{n}?'" for n in range(9)) + "]", ("q0?", "q1?", "q2?")),
    ],
)
def test_the_person_is_asked_a_few_questions_at_most(answer: str, questions: tuple[str, ...]) -> None:
    assert reading(interview("A shop.", []), answer) == Reading(questions)
    assert len(questions) <= MOST_QUESTIONS


@pytest.mark.parametrize("answer", ["Who uses it?", "questions: Who?", "questions: [{who: you}]"])
def test_what_are_no_questions_goes_back(answer: str) -> None:
    assert "questions" in reading(interview("A shop.", []), answer).reason


def test_the_brief_is_the_idea_with_what_was_answered() -> None:
    assert brief(" A shop.\n", [("Who?", " You "), ("What?", " ")]) == "A shop.\nWho? You"


def test_each_attempt_is_noted_in_the_journal_that_was_given() -> None:
    journal: list[Attempt] = []
    drive(plan(ORDER, journal), ScriptedModel(["no", fence(GOOD, "yaml")]))
    assert [attempt.status for attempt in journal] == [AttemptStatus.REJECTED, AttemptStatus.OK]
