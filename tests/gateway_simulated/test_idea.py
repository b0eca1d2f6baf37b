"""Ideas, read: their name, and how people are to use what they describe."""

from __future__ import annotations

import pytest

from harness.gateway.simulated.idea import read_idea


@pytest.mark.parametrize(
    ("text", "project"),
    [
        ("An E-commerce platform: customers browse a catalog", "E-commerce platform"),
        ("I want an app that counts steps", "App"),
        ("A CLI for tracking satellites", "CLI for tracking satellites"),
        ("天気アプリ", "天気アプリ"),
        ("???", "Application"),
        ("", "Application"),
    ],
)
def test_the_project_is_called_after_the_beginning_of_the_idea(text: str, project: str) -> None:
    """Up to where it goes into detail, without what people say before they come to the point."""
    assert read_idea(text).project == project


@pytest.mark.parametrize(
    ("text", "on_command_line", "is_clear"),
    [
        ("a command-line tool", True, True),
        ("a CLI", True, True),
        ("notes in the terminal", True, True),
        ("a website", False, True),
        ("notes", False, False),
    ],
)
def test_it_is_told_how_people_use_it(text: str, *, on_command_line: bool, is_clear: bool) -> None:
    """Without a word about it, an application has pages, and that may be asked about."""
    idea = read_idea(text)
    assert (idea.on_command_line, idea.is_clear) == (on_command_line, is_clear)


def test_much_text_is_read_as_far_as_people_would() -> None:
    """What stands behind thousands of characters makes no difference."""
    assert read_idea("recipes " * 1000 + "plants").things == read_idea("recipes " * 1000).things
