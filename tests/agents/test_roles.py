"""The roles, and how they are told from a system prompt."""

from __future__ import annotations

import pytest

from agents.roles import Role, opening, role_of


@pytest.mark.parametrize("role", Role)
def test_a_role_is_told_from_the_prompt_that_opens_with_it(role: Role) -> None:
    assert role_of(f"\n {opening(role)}, a team of agents.\nYou work.") is role


@pytest.mark.parametrize(
    "text",
    [
        "",
        "You are a helpful assistant.",
        "You are the king of AgentFactory.",
        "You are the developer of AgentFactoryPlus.",
        "Say: You are the developer of AgentFactory.",
        "you are the developer of AgentFactory",
    ],
)
def test_other_prompts_are_of_no_role(text: str) -> None:
    assert role_of(text) is None
