"""Examples are found where a prompt shows them, and data is not taken for one."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from harness.gateway.simulated.stranger.example import json_example, yaml_example


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ('Return JSON: {"a": 1}', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('OUTPUT FORMAT:\n{{\n  "a": 1\n}}', {"a": 1}),
        ('For example:\n[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ('Use the format {"a": 1}, not the format {"a": 1, "b": {"c": 2}}.', {"a": 1, "b": {"c": 2}}),
        ('Review this blueprint:\n{"a": 1}', None),
        ("Example:\n- [ ] Valid\n[Reason for failure]", None),
        ("Set {name} and {{ title }}, as in the format.", None),
        ("", None),
    ],
)
def test_json_is_an_example_by_what_leads_to_it(text: str, example: JsonValue) -> None:
    """The largest one; braces of templates are none."""
    assert json_example(text) == example


@pytest.mark.parametrize(
    ("text", "example"),
    [
        (
            "Example format:\nmodules:\n  - name: A\n    needs: []\n\nDone.",
            {"modules": [{"name": "A", "needs": []}]},
        ),
        ('Structure:\na: 1\n\nb: 2\n\nMODULE TYPES:\n- "x": y', {"a": 1, "b": 2}),
        ('The YAML has the following structure:\n   a:\n     b: "x|y" # one of them', {"a": {"b": "x|y"}}),
        ("Example Output:\na:\n  [name]:\n    b: 1\n\nExample:\na:\n  f:\n    b: 1", {"a": {"f": {"b": 1}}}),
        ("Review this plan:\na: 1", None),
        ("RULES:\n1. Be brief.", None),
    ],
)
def test_yaml_is_an_example_by_what_leads_to_it(text: str, example: JsonValue) -> None:
    """Up to where the lines are no YAML; what cannot be read is passed over."""
    assert yaml_example(text) == example
