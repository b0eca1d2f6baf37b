"""The blackboard: entries that can arrive in any order, and paths that stay inside the project."""

from __future__ import annotations

import json
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agents.blackboard import (
    ApiDesigned,
    AttemptMade,
    Change,
    Entry,
    FileKind,
    FileWritten,
    Logged,
    PlanMade,
    ProjectInfo,
    ProjectStatus,
    Reasoned,
    Section,
    changed_files,
    document,
    entries,
)
from agents.conversation import Attempt, AttemptStatus
from agents.plan import ModulePlan, ModuleType, Plan
from agents.roles import Role
from tests.agents.shop import APIS, PLAN

INFO = ProjectInfo("A shop.", "2026-01-01", ProjectStatus.BUILDING)
ATTEMPT = Attempt(Role.DEVELOPER, "Cart", 2, "Write!", "x = 1", AttemptStatus.REJECTED, "no function", "t7")

STOCK = Plan("Stock", "", (ModulePlan("Stock", "stock.py", ModuleType.DATA, "Keeps."),))


# --- Paths

PARTS = [
    "a",
    "main.py",
    "..",
    ".",
    "",
    ".git",
    "C:",
    "a\\b",
    "a b",
    "é",
    "_x",
    "-x",
    "a\0",
    "a\n",
    "~",
    "x" * 80,
    "a.",
]


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=6), min_size=1, max_size=4).map("/".join))
@example("")
@example("/etc/passwd")
@example("../x")
@example("a/../../x")
@example("a//b")
@example("a\\..\\..\\b")
@example("C:/x")
@example("static/.htaccess")
@example("templates/x.html\n")
def test_no_path_that_leaves_the_project_is_written(path: str) -> None:
    """Neither on POSIX nor on Windows; nothing hidden, nothing that two systems read differently."""
    try:
        written = FileWritten(path, "x").path
    except ValueError:
        return
    for pure in (PurePosixPath(written), PureWindowsPath(written)):
        assert not pure.is_absolute()
        assert not pure.drive
        assert ".." not in pure.parts
        assert pure.as_posix() == written
    assert not any(part.startswith(".") for part in written.split("/"))
    assert written.isascii()
    assert written.isprintable()


@pytest.mark.parametrize(
    "path", ["main.py", "templates/shop.html", "static/js/shop.min.js", "_x.py", "a/b/c/d"]
)
def test_a_path_inside_the_project_is_written(path: str) -> None:
    assert FileWritten(path, "x").path == path


# --- The document


def board(*tasks: tuple[Change, ...]) -> dict[str, object]:
    return document(INFO, parts_of(*tasks))


def parts_of(*tasks: tuple[Change, ...]) -> list[Entry]:
    return [entry for place, changes in enumerate(tasks) for entry in entries(changes, place, f"t{place}")]


def test_a_board_without_entries_has_every_section() -> None:
    assert board() == {
        "project_info": {"idea": "A shop.", "created_at": "2026-01-01", "status": "building"},
        "architecture": {},
        "modules": {},
        "files_created": [],
        "api_registry": {},
        "agent_attempts": [],
        "logs": [],
        "agent_reasoning": [],
        "frontend_files": [],
    }


def test_each_change_has_its_place_on_the_board() -> None:
    made = board(
        (AttemptMade(ATTEMPT), PlanMade(PLAN), Logged("info", "planned")),
        (ApiDesigned("Cart", APIS["Cart"]), Reasoned("architect", "Cart", "small")),
        (FileWritten("cart.py", "x"), FileWritten("static/cart.css", "y", FileKind.FRONTEND)),
    )
    assert made["architecture"] == PLAN.as_dict()
    assert made["modules"] == {
        module.name: {
            "filename": module.filename,
            "spec": module.description,
            "module_type": module.module_type.value,
            "requires": list(module.requires),
        }
        for module in PLAN.modules
    }
    assert made["api_registry"] == {"Cart": APIS["Cart"].as_dict()}
    assert made["files_created"] == ["cart.py", "static/cart.css"]
    assert made["frontend_files"] == ["static/cart.css"]
    assert made["logs"] == [{"timestamp": "t0", "level": "info", "message": "planned"}]
    assert made["agent_reasoning"] == [{"agent": "architect", "module": "Cart", "reasoning": "small"}]
    assert made["agent_attempts"] == [
        {
            "agent": "developer",
            "module": "Cart",
            "attempt_number": 2,
            "timestamp": "t7",
            "input": "Write!",
            "output": "x = 1",
            "status": "rejected",
            "error": "no function",
        }
    ]


CHANGES = st.sampled_from(
    [
        PlanMade(PLAN),
        PlanMade(STOCK),
        ApiDesigned("Cart", APIS["Cart"]),
        ApiDesigned("Stock", APIS["Catalog"]),
        FileWritten("cart.py", "1"),
        FileWritten("cart.py", "2"),
        FileWritten("static/a.css", "3", FileKind.FRONTEND),
        AttemptMade(ATTEMPT),
        Reasoned("reviewer", None, "fine"),
        Logged("info", "x"),
    ]
)


@given(st.lists(st.lists(CHANGES, max_size=4).map(tuple), max_size=5), st.data())
def test_the_document_is_the_same_whatever_order_the_entries_come_in(
    tasks: list[tuple[Change, ...]], data: st.DataObject
) -> None:
    """Order included: the concurrent engine's board must equal the sequential one byte for byte."""
    parts = parts_of(*tasks)
    shuffled = data.draw(st.permutations(parts))
    assert json.dumps(document(INFO, shuffled)) == json.dumps(document(INFO, parts))


@given(st.lists(st.lists(CHANGES, max_size=4).map(tuple), max_size=5))
def test_each_entry_of_a_section_has_a_position_of_its_own(tasks: list[tuple[Change, ...]]) -> None:
    """A store keeps entries by position: two at one position would be one."""
    taken = [(entry.section, entry.position) for entry in parts_of(*tasks)]
    assert len(taken) == len(set(taken))


def test_of_several_plans_the_last_counts_with_its_modules_only() -> None:
    made = board((PlanMade(PLAN),), (PlanMade(STOCK),))
    assert made["architecture"] == STOCK.as_dict()
    assert made["modules"] == {
        "Stock": {"filename": "stock.py", "spec": "Keeps.", "module_type": "data", "requires": []}
    }


def test_a_file_written_twice_is_listed_once_where_it_came_first() -> None:
    made = board((FileWritten("b.py", ""),), (FileWritten("a.py", ""), FileWritten("b.py", "x")))
    assert made["files_created"] == ["b.py", "a.py"]


def test_only_sections_that_are_mappings_have_keys() -> None:
    keyed = {
        entry.section for entry in parts_of((PlanMade(PLAN), ApiDesigned("Cart", APIS["Cart"]))) if entry.key
    }
    assert keyed == {Section.MODULES, Section.API_REGISTRY}
    assert not any(
        entry.key for entry in parts_of((AttemptMade(ATTEMPT), Logged("info", "x"), FileWritten("a", "")))
    )


def test_of_two_writes_to_a_file_the_later_stays() -> None:
    changes = (
        FileWritten("a.py", "1"),
        Logged("info", "x"),
        FileWritten("b.py", "2"),
        FileWritten("a.py", "3"),
    )
    assert changed_files(changes) == {"a.py": "3", "b.py": "2"}
