"""A shape is what an example shows of it: kinds, options, ranges, and lists that go on."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import JsonValue

from harness.gateway.simulated.schema.filling import filled
from harness.gateway.simulated.schema.merging import Schema
from harness.gateway.simulated.stranger.reading import Hint
from harness.gateway.simulated.stranger.shape import schema_of, wanted_schema
from tests.gateway_simulated.conversation import subject

TOLD = subject("App idea: recipes with comments")


@pytest.mark.parametrize(
    ("example", "schema"),
    [
        (3, {"type": "integer", "examples": [3]}),
        ("low|medium|high", {"enum": ["low", "medium", "high"]}),
        (Hint("0-100 integer score"), {"type": "integer", "minimum": 0, "maximum": 100}),
        ("0-1", {"type": "number", "minimum": 0, "maximum": 1}),
        (Hint("number of lines"), {"type": "number"}),
        ("boolean", {"type": "boolean"}),
        ("2025-01-31", {"type": "string", "examples": ["2025-01-31"]}),
        ("whether the number is true", {"type": "string", "examples": ["whether the number is true"]}),
        ([], {"type": "array", "maxItems": 0}),
    ],
)
def test_a_value_stands_for_its_kind(example: JsonValue, schema: Schema) -> None:
    """Words that name a kind stand for it, sentences do not."""
    assert schema_of(example, TOLD) == schema


def test_the_items_of_a_list_are_one_shape() -> None:
    """With the keys and the kinds of all of them."""
    items: JsonValue = [
        {"name": "A", "type": "service", "needs": []},
        {"name": "B", "type": "data", "needs": ["A"]},
        {"name": "C", "type": "data", "needs": []},
    ]
    found: Any = filled(schema_of(items, TOLD), TOLD)

    assert [item["type"] for item in found] == ["data", "service", "service"]
    assert found[-1]["needs"] == ["Recipes", "Comments"]


def test_files_that_are_named_are_the_ones_that_are_given() -> None:
    """And no others, each with its own path."""
    files: JsonValue = {"files": [{"path": f"static/{name}", "content": "..."} for name in ("a.css", "b.js")]}
    found: Any = filled(schema_of(files, TOLD), TOLD)
    assert [file["path"] for file in found["files"]] == ["static/a.css", "static/b.js"]


def test_what_is_shown_for_one_function_is_given_for_each() -> None:
    """By their names, with their signatures."""
    told = subject("name: Todos\ndescription: Todos with title; add, list, finish.")
    example: JsonValue = {
        "calculate_tax": {"signature": "calculate_tax(a: float) -> float", "description": "d"}
    }
    found: Any = filled(schema_of(example, told), told)

    assert list(found) == ["add_todo", "get_todo", "list_todos", "finish_todo"]
    assert found["add_todo"]["signature"] == "add_todo(title: str) -> dict"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Return JSON with the keys `name`, `due_date` and isDone.", {"name", "due_date", "isDone"}),
        ("Each entry MUST have ALL fields: name, filename, requires", {"name", "filename", "requires"}),
        ("Return JSON.", {"name", "description", "items"}),
    ],
)
def test_keys_that_are_listed_are_given_where_no_example_is_shown(text: str, keys: set[str]) -> None:
    """Failing these, some of which every answer could consist."""
    assert set(wanted_schema(text, TOLD)["properties"]) == keys


def test_an_example_in_the_asking_text_goes_before_others() -> None:
    """What users show may be what is to be judged."""
    told = subject('Plan as JSON: {"modules": []}')
    assert set(wanted_schema('Return JSON: {"verdict": "ok"}', told)["properties"]) == {"verdict"}
    assert set(wanted_schema("Return JSON.", told)["properties"]) == {"modules"}
