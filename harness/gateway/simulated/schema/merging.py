"""The meeting of two schemas: a schema by which a value is valid that is valid by both."""

from __future__ import annotations

from pydantic import JsonValue

__all__ = ["NO_TYPE", "Schema", "merged", "types_of"]

Schema = dict[str, JsonValue]

_ALL_OF = "allOf"
_PER_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions"})
_NESTED = frozenset({"items", "additionalProperties", "propertyNames"})
_HIGHER = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_LOWER = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})
_CHOICES = frozenset({"anyOf", "oneOf", "$ref"})
NO_TYPE = "no type"
"""The type of what two schemas do not agree on."""


def merged(one: Schema, other: Schema) -> Schema:
    """A schema that asks for what both ask for; it has the keys of either."""
    both: Schema = {**one, **other}
    parts = [*_listed(one, _ALL_OF), *_listed(other, _ALL_OF)]
    for key in one:
        if key == _ALL_OF or key not in other or one[key] == other[key]:
            continue
        if key in _CHOICES:
            # Both hold, so one of them waits its turn among those that all hold.
            both[key] = one[key]
            parts.append({key: other[key]})
        else:
            both[key] = _joined(key, one[key], other[key])
    return {**both, _ALL_OF: parts} if parts else both


def types_of(schema: Schema) -> list[str]:
    """The types that a schema allows; empty where it does not say."""
    named = schema.get("type")
    return [name for name in (named if isinstance(named, list) else [named]) if isinstance(name, str)]


def _listed(schema: Schema, key: str) -> list[JsonValue]:
    found = schema.get(key)
    return found if isinstance(found, list) else []


def _joined(key: str, first: JsonValue, second: JsonValue) -> JsonValue:
    if key in _PER_NAME and isinstance(first, dict) and isinstance(second, dict):
        shared = first.keys() & second.keys()
        return {**first, **second, **{name: {_ALL_OF: [first[name], second[name]]} for name in shared}}
    if key in _NESTED:
        if first is False or second is False:
            return False
        return {_ALL_OF: [first, second]}
    if isinstance(first, int | float) and isinstance(second, int | float):
        if key in _HIGHER:
            return max(first, second)
        if key in _LOWER:
            return min(first, second)
    if key == "type":
        return list(_shared_types({"type": first}, {"type": second})) or NO_TYPE
    if isinstance(first, list) and isinstance(second, list):
        if key == "enum":
            return [value for value in first if value in second]
        if key == "required":
            return [*first, *(value for value in second if value not in first)]
    return second


def _shared_types(one: Schema, other: Schema) -> dict[str, None]:
    allowed = types_of(other)
    shared = {name: None for name in types_of(one) if name in allowed}
    # Every integer is a number.
    if "integer" not in shared and {"integer", "number"} <= {*types_of(one), *allowed}:
        shared["integer"] = None
    return shared
