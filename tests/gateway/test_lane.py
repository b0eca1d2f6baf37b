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
