"""The shape of the data that is asked for, as a schema: like an example, or with the keys that are listed."""

from __future__ import annotations

import re

from pydantic import JsonValue

from harness.gateway.simulated.schema.merging import Schema
from harness.gateway.simulated.stranger.example import json_example, yaml_example
from harness.gateway.simulated.stranger.reading import Hint
from harness.gateway.simulated.subject import Subject
from harness.gateway.simulated.vocabulary import FUNCTION_WORDS
from harness.gateway.simulated.words import word_set

__all__ = ["schema_of", "wanted_schema"]

_MOST_ITEMS = 5
_MOST_KEYS = 12
_LONGEST_OPTION = 30

_RANGE = re.compile(r"(-?\d+)\s*(?:-|to|\.\.+|–)\s*(\d+)\b")
_DATE = re.compile(r"\d{4}-\d\d")
_TYPE_WORDS = {
    "integer": re.compile(r"\b(?:int|integer|count|whole number)\b", re.IGNORECASE),
    "number": re.compile(r"\b(?:float|number|decimal|double)\b", re.IGNORECASE),
    "boolean": re.compile(r"\b(?:bool|boolean|true|false)\b", re.IGNORECASE),
}
_LISTED_KEYS = re.compile(
    r"\b(?:keys?|fields?|properties|attributes)\b(?P<names>[^.\n]{3,300})", re.IGNORECASE
)
_KEY_NAME = re.compile(r"(?<![\w.])[`\"']?([a-z][a-z0-9]*(?:_[a-z0-9]+)*|[a-z]+[A-Z]\w*)[`\"']?(?![\w.(])")
_PATH = re.compile(r"[\w-]+(?:/[\w.-]+)*\.(?:html|css|js|md|txt)")
_MANY = re.compile(r"\b(?:array|list) of\b", re.IGNORECASE)
_NO_KEYS = FUNCTION_WORDS | word_set("key keys field fields following named called required top")


def wanted_schema(text: str, subject: Subject, *, in_yaml: bool = False) -> Schema:
    """The schema of what `text` asks for, or of what else was said shows; a plain one where nothing does."""
    for place in (text, subject.said):
        example = (yaml_example(place) if in_yaml else None) or json_example(place)
        if schema := schema_of(example, subject) or _listed(place, subject):
            return schema
    member: dict[str, JsonValue] = {"name": "", "description": ""}
    if subject.module:
        member["signature"] = ""
    key = "functions" if subject.module else "items"
    return schema_of({"name": "", "description": "", key: [member]}, subject)


def _listed(text: str, subject: Subject) -> Schema:
    """The schema of an object with the keys that `text` lists, or of a list of them; {} where none are."""
    listed = _LISTED_KEYS.search(text)
    names = [name for name in _KEY_NAME.findall(listed["names"]) if name not in _NO_KEYS] if listed else []
    if not names:
        return {}
    entry = schema_of(dict.fromkeys(names[:_MOST_KEYS], ""), subject)
    return {"type": "array", "items": entry} if _MANY.search(text) else entry


def schema_of(example: JsonValue, subject: Subject) -> Schema:
    """The schema of values that are like `example`."""
    match example:
        case dict():
            return _schema_of_object(example, subject)
        case list():
            return _schema_of_list(example, subject)
        case bool():
            return {"type": "boolean", "examples": [example]}
        case int():
            return {"type": "integer", "examples": [example]}
        case float():
            return {"type": "number", "examples": [example]}
        case str():
            return _schema_of_text(example)
    return {}


def _schema_of_object(example: dict[str, JsonValue], subject: Subject) -> Schema:
    members = list(example.values())
    if members and all(isinstance(member, dict) and "signature" in member for member in members):
        # What is shown for one function is meant for each of them.
        example = {function.name: members[0] for function in subject.functions}
    elif members and all(key.endswith(".py") for key in example):
        example = {module.filename: members[0] for module in subject.modules}
    return {
        "type": "object",
        "properties": {key: schema_of(value, subject) for key, value in example.items()},
        "required": list(example),
        "additionalProperties": False,
    }


def _schema_of_list(items: list[JsonValue], subject: Subject) -> Schema:
    objects = [item for item in items if isinstance(item, dict)]
    if not items:
        return {"type": "array", "maxItems": 0}
    if not objects:
        return {"type": "array", "items": schema_of(items[0], subject)}
    paths = {str(value) for item in objects for value in item.values() if _is_path(value)}
    if paths and len(objects) > 1:
        # Files that are named are the ones that are wanted.
        leading: list[JsonValue] = [_named(schema_of(item, subject), item) for item in objects]
        return {"type": "array", "prefixItems": leading, "items": False, "minItems": len(leading)}
    shape: dict[str, JsonValue] = {}
    for item in objects:
        for key, value in item.items():
            shape[key] = _joined(shape.get(key), value, key)
    return {"type": "array", "items": schema_of(shape, subject), "maxItems": _MOST_ITEMS}


def _joined(one: JsonValue, other: JsonValue, key: str) -> JsonValue:
    """What two examples of a field say together: of kinds all that are named, of lists the one with items."""
    if isinstance(one, str) and isinstance(other, str) and key.endswith(("type", "kind", "category")):
        return "|".join(dict.fromkeys([*one.split("|"), *other.split("|")]))
    return one or other


def _is_path(value: JsonValue) -> bool:
    return isinstance(value, str) and _PATH.fullmatch(value) is not None


def _named(schema: Schema, item: dict[str, JsonValue]) -> JsonValue:
    properties = schema["properties"]
    fixed: dict[str, JsonValue] = {key: {"const": value} for key, value in item.items() if _is_path(value)}
    return {**schema, "properties": {**properties, **fixed}} if isinstance(properties, dict) else schema


def _schema_of_text(text: str) -> Schema:
    options = [option.strip() for option in re.split(r"\s*\|\s*", text)]
    if len(options) > 1 and all(0 < len(option) <= _LONGEST_OPTION for option in options):
        return {"enum": list(dict.fromkeys(options))}
    is_hint = isinstance(text, Hint) or len(text.split()) == 1
    bounds = _RANGE.search(text) if is_hint else None
    if bounds and not _DATE.search(text):
        kind = "number" if "float" in text.lower() or bounds[2] == "1" else "integer"
        return {"type": kind, "minimum": int(bounds[1]), "maximum": max(int(bounds[1]), int(bounds[2]))}
    if is_hint:
        for kind, words in _TYPE_WORDS.items():
            if words.search(text):
                return {"type": kind}
    return {"type": "string", "examples": [str(text)]} if text else {"type": "string"}
