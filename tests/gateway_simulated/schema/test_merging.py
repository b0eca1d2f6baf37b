"""Two schemas in one ask for everything that either asks for."""

from __future__ import annotations

import pytest

from harness.gateway.simulated.schema.merging import NO_TYPE, Schema, merged


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ({"minimum": 1}, {"minimum": 3}, {"minimum": 3}),
        ({"maxLength": 5}, {"maxLength": 3}, {"maxLength": 3}),
        ({"type": "number"}, {"type": ["integer", "null"]}, {"type": ["integer"]}),
        ({"type": "string"}, {"type": "object"}, {"type": NO_TYPE}),
        ({"enum": [1, 2, 3]}, {"enum": [3, 2]}, {"enum": [2, 3]}),
        ({"required": ["a"]}, {"required": ["b", "a"]}, {"required": ["a", "b"]}),
        ({"additionalProperties": False}, {"additionalProperties": {}}, {"additionalProperties": False}),
        (
            {"properties": {"a": {"minimum": 1}, "b": {}}},
            {"properties": {"a": {"maximum": 3}}},
            {"properties": {"a": {"allOf": [{"minimum": 1}, {"maximum": 3}]}, "b": {}}},
        ),
        (
            {"anyOf": [{"minimum": 1}], "oneOf": [{}]},
            {"anyOf": [{"maximum": 3}], "oneOf": [{"title": "t"}]},
            {
                "anyOf": [{"minimum": 1}],
                "oneOf": [{}],
                "allOf": [{"anyOf": [{"maximum": 3}]}, {"oneOf": [{"title": "t"}]}],
            },
        ),
    ],
)
def test_both_are_kept(one: Schema, other: Schema, both: Schema) -> None:
    """The tighter bound, what is in both lists, and of choices the second for later."""
    assert merged(one, other) == both
