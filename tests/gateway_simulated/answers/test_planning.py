"""The analyst asks what is unclear, through the agent that asks it to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agents import agent_analyst
from agents.conversation import Attempt, ModelReply, ModelRequest
from agents.drivers import drive


@pytest.mark.parametrize(
    ("idea", "expected"),
    [
        ("a shop for plants", ["browser or on the command line", "plants", "plants"]),
        ("a CLI for accounts with exports", ["kept"]),
        ("", ["browser", "account of their own", "kept"]),
    ],
)
def test_the_interview_asks_what_is_unclear(
    idea: str, expected: list[str], ask: Callable[[ModelRequest], ModelReply]
) -> None:
    """At most three questions, about this idea, and none that it answers."""
    journal: list[Attempt] = []

    questions = drive(agent_analyst.interview(idea, journal), ask)

    assert len(journal) == 1
    assert len(questions) == len(expected)
    assert all(said in question for said, question in zip(expected, questions, strict=True))
