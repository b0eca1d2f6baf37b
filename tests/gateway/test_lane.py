from __future__ import annotations

import pytest

from agents.prompts import prompt
from agents.roles import Role, opening
from harness.gateway.canonical import CanonicalRequest
from harness.gateway.lane import Lane, lane_of

PROJECT = ("user", "Build an inventory.")
MODULE = ("user", prompt([("Task", "Write it."), ("Module", "name: stock\nfilename: stock.py")]))


def system(role: Role) -> tuple[str, str]:
    return "system", f"{opening(role)}, a team."


def request(*messages: tuple[str, str]) -> CanonicalRequest:
    entries = [{"role": role, "content": content} for role, content in messages]
    return CanonicalRequest.from_payload({"model": "m", "messages": entries})


@pytest.mark.parametrize("role", Role)
def test_the_role_is_that_of_the_system_message(role: Role) -> None:
    assert lane_of(request(system(role), PROJECT)) == Lane(role.value, None, 1)


def test_a_system_message_of_another_team_is_of_an_unknown_role() -> None:
    assert lane_of(request(("system", "You are a pirate."), PROJECT)) == Lane("unknown", None, 1)
    assert lane_of(request()) == Lane("unknown", None, 1)


def test_the_module_is_that_of_the_first_user_message() -> None:
    """Later messages quote answers, which may hold a section of the same name."""
    quoted = ("user", prompt([("Module", "name: other")]))
    lane = lane_of(request(system(Role.DEVELOPER), MODULE, ("assistant", "?"), quoted))
    assert lane.module == "stock"
    assert lane_of(request(system(Role.DEVELOPER), PROJECT, ("assistant", "?"), MODULE)).module is None


def test_every_answer_in_the_conversation_is_an_attempt_before_this_one() -> None:
    again = [("assistant", "no"), ("user", "again")]
    assert lane_of(request(system(Role.REVIEWER), MODULE, *again, *again)).attempt == 3


@pytest.mark.parametrize(
    ("told", "asked", "role"),
    [
        ("You are a senior Python developer who reviews nothing.", "Write it.", "developer"),
        ("You are an expert software architect for developers.", "Design it.", "architect"),
        ("You are a code reviewer.", "Look at what the developer wrote.", "reviewer"),
        ("You're the front-end engineer", "Make a page.", "frontend_developer"),
        ("You are an AI. You act as a requirements analyst.", "What is needed?", "analyst"),
        ("Senior programmer. Code only.", "Write it.", "developer"),
        ("Role: INTEGRATION ENGINEER\nBe brief.", "Join them.", "integrator"),
        ("", "Act as a performance engineer and tune this.", "optimizer"),
        ("Senior coder.\nAct as a reviewer of your own work before you answer.", "Write it.", "developer"),
        ("You are a maintenance engineer.", "Fix it.", "debugger"),
        ("", "Write a handbook for developers.", "unknown"),
        ("You are a helpful assistant.", "Which architect built it?", "unknown"),
    ],
)
def test_the_role_of_another_teams_call_is_who_the_model_is_told_to_be(
    told: str, asked: str, role: str
) -> None:
    assert lane_of(request(("system", told), ("user", asked))).role == role


@pytest.mark.parametrize(
    ("asked", "module"),
    [
        ("Write the module 'cart' now.", "cart"),
        ("Module: Cart\nSpec: items", "Cart"),
        ("module_name = `user_store`", "user_store"),
        ('{"module": "billing", "spec": ""}', "billing"),
        ("Implement the Orders module.", "Orders"),
        ("Review the `stock` module.", "stock"),
        ("Write the file src/app/payments.py", "payments"),
        ("File: views.py", "views"),
        ('Answer as {"modules": [{"name": "store", "filename": "store.py"}]}', None),
        ("Write one module at a time.", None),
        ("Every module is a file. Name the modules.", None),
        ("MODULE_TYPE: service\n\nDetails:\nkind: service\nname: Billing\n", "Billing"),
        ("FILENAME: news_service.py\nMODULE_TYPE: service", "news_service"),
        ("These modules:\n- name: Users\n- name: Cart\n", None),
        ('Code: x = 1\nReview: {"module_name": "unknown"}', None),
        ('Review: {"module": null}\nThe module "cart" is good.', "cart"),
    ],
)
def test_the_module_of_another_teams_call_is_the_one_it_names(asked: str, module: str | None) -> None:
    assert lane_of(request(("system", "You are a coder."), ("user", asked))).module == module


@pytest.mark.parametrize("told", ["You are a debugger.", "You are the system integrator."])
def test_whose_work_is_the_project_is_about_no_module(told: str) -> None:
    asked = ("user", 'Traceback:\n  File "main.py", line 1')
    assert lane_of(request(("system", told), asked)).module is None
    assert lane_of(request(("system", "You are a coder."), asked)).module == "main"


def test_nothing_is_guessed_of_a_call_of_this_projects_own() -> None:
    asked = ("user", "The module 'cart' is done. Integrate.")
    assert lane_of(request(system(Role.INTEGRATOR), asked)).module is None
