"""Plans: valid for any idea, true to what was asked for, and telling of what the idea is about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.plan import ModuleHint, ModulePlan, ModuleType, Plan, read_plan
from harness.gateway.simulated.planner import planned, unused


def names(idea: str) -> list[str]:
    """The modules of the final plan for an idea."""
    return [module.name for module in planned(idea, (), again=True).modules]


@given(idea=st.text(max_size=300), again=st.booleans())
def test_any_text_has_a_valid_plan(idea: str, *, again: bool) -> None:
    """Three to eight modules that the reader of plans accepts; planned again, nothing is left unused."""
    plan = planned(idea, (), again=again)

    assert read_plan(plan.as_dict()) == plan
    assert 3 <= len(plan.modules) <= 8
    assert all(module.description for module in plan.modules)
    assert not again or not unused(plan)


_SAID = """
a todo list with user accounts and email reminders product orders pay search report export staff comments
books loans library forum shop cart terminal command-line CSV JSON convert track vote page class import
"""
_WORDS = st.sampled_from(_SAID.split())


@given(idea=st.lists(_WORDS, min_size=1, max_size=25).map(" ".join))
def test_any_mixture_of_known_words_has_a_valid_plan(idea: str) -> None:
    """However many features and things an idea names."""
    plan = planned(idea, (), again=True)

    assert read_plan(plan.as_dict()) == plan
    assert 3 <= len(plan.modules) <= 8


@pytest.mark.parametrize(
    ("idea", "expected"),
    [
        ("a todo list with user accounts and email reminders", ["Todos", "Accounts", "Reminders", "Pages"]),
        ("a command-line tool that converts CSV to JSON", ["Documents", "Converter", "Search"]),
        ("Ein Forum", ["Topics", "Posts", "Accounts", "Pages"]),
        ("An E-commerce platform", ["Products", "Accounts", "Cart", "Payments", "Orders", "Pages"]),
        ("a CLI for tracking satellites and rocket launches", ["Satellites", "Launches", "Search"]),
        ("chat", ["Accounts", "Messages", "Pages"]),
        ("A recipe sharing platform", ["Recipes", "Search", "Pages"]),
    ],
)
def test_modules_follow_the_idea(idea: str, expected: list[str]) -> None:
    """Things and features that an idea names are modules; pages are there for browsers only."""
    assert names(idea) == expected


def test_a_changed_idea_has_other_modules() -> None:
    """A plan depends on what the idea says."""
    ideas = ["a recipe box", "a plant diary", "a zeppelin register", "a quiz", "a shop for lamps"]
    assert len({tuple(names(idea)) for idea in ideas}) == len(ideas)


def test_fields_that_the_idea_names_are_used() -> None:
    """`a note with a title and tags` has a title and tags, and no body."""
    plan = planned("A tool for notes: write a note with a title and tags, search them.", (), again=False)
    assert plan.module("Notes").description.startswith("Notes with title and tags;")


def test_hints_win_and_the_rest_is_derived() -> None:
    """Names, types, descriptions and requirements that were asked for stay; what is left open is filled."""
    hints = (
        ModuleHint("Books"),
        ModuleHint("Loans", ModuleType.SERVICE, "Loans of a book.", ("Books", "Members")),
        ModuleHint("Website"),
    )
    plan = planned("whatever", hints, again=False)

    assert read_plan(plan.as_dict(), hints) == plan
    assert [module.name for module in plan.modules] == ["Books", "Loans", "Website", "Members"]
    assert plan.module("Loans").description == "Loans of a book."
    assert plan.module("Books").description.startswith("Books with title, author and isbn")
    assert plan.module("Website").module_type is ModuleType.WEB_INTERFACE
    assert set(plan.module("Website").requires) == {"Books", "Loans", "Members"}


@pytest.mark.parametrize("name", ["Class", "Import", "List", "Json", "Main", "Flask", "Test_x"])
def test_a_module_may_have_any_name(name: str) -> None:
    """Its file can be imported under a name that nothing else needs."""
    hints = (ModuleHint(name), ModuleHint("Pages", ModuleType.WEB_INTERFACE, requires=(name,)))
    plan = planned("", hints, again=False)

    assert read_plan(plan.as_dict(), hints) == plan
    assert plan.module(name).stem not in {"class", "import", "list", "json", "main", "flask"}


def test_unused_are_modules_that_only_others_could_use() -> None:
    """A service may stand alone, and what no other module could require is not counted."""
    data = ModulePlan("Data", "data.py", ModuleType.DATA, "d")
    tool = ModulePlan("Tool", "tool.py", ModuleType.UTILITY, "t", ("Work",))
    work = ModulePlan("Work", "work.py", ModuleType.SERVICE, "w")

    assert [m.name for m in unused(Plan("p", "", (data, tool, work)))] == ["Data"]
    assert unused(Plan("p", "", (data,))) == []
