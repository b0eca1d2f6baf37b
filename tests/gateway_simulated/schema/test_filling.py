"""Values by a schema are valid by it, whatever the schema asks for, and speak of what was spoken of."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, JsonValue

from harness.gateway.simulated.schema.filling import filled
from tests.gateway_simulated.conversation import subject

IDEA = "App idea: a recipe sharing platform with comments"


def valid(schema: Any, seed: object = 0) -> Any:
    """A value by `schema`, which is valid by it."""
    value = filled(schema, subject(IDEA, seed=seed))
    jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(value)
    return value


@st.composite
def _strings(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    match draw(st.sampled_from(["plain", "length", "pattern", "format", "enum"])):
        case "length":
            least = draw(st.integers(0, 80))
            schema |= {"minLength": least, "maxLength": least + draw(st.integers(0, 30))}
        case "pattern":
            schema["pattern"] = draw(st.sampled_from([r"^[a-z_]+$", r"^\d{4}-\d\d$", "^(a|b)+x?$", "[^a-z]"]))
        case "format":
            schema["format"] = draw(
                st.sampled_from(["date", "time", "email", "ipv4", "uuid", "regex", "ipv6"])
            )
        case "enum":
            schema["enum"] = draw(st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True))
    return schema


@st.composite
def _numbers(draw: st.DrawFn) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    low = draw(st.integers(-1000, 1000))
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = low + draw(st.integers(40, 500))
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.sampled_from([1, 3, 7, 0.5, 0.1, 2.5]))
    return schema


_CONSTANTS = st.sampled_from([1, "x", None, True, [1], {"a": 1}]).map(lambda value: {"const": value})
_SCALARS = st.one_of(
    _strings(), _numbers(), _CONSTANTS, st.sampled_from([{"type": "boolean"}, {"type": "null"}, {}, True])
)
_NAMES = st.sampled_from(
    ["name", "filename", "spec", "requires", "type", "score", "issues", "url", "a/b", ""]
)


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties = draw(st.dictionaries(_NAMES, inner, max_size=4))
    others = draw(st.sampled_from([None, False, True, {"type": "integer"}]))
    needed = draw(st.lists(st.sampled_from([*properties, "more"]), max_size=3, unique=True))
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if others is not None:
        schema["additionalProperties"] = others
    schema["required"] = [name for name in needed if name in properties or others is not False]
    if others is not False and draw(st.booleans()):
        schema["minProperties"] = draw(st.integers(0, 7))
    return schema


@st.composite
def _arrays(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array", "items": draw(inner)}
    least = draw(st.integers(0, 4))
    if draw(st.booleans()):
        schema |= {"minItems": least, "maxItems": least + draw(st.integers(0, 3))}
    if draw(st.booleans()):
        schema["prefixItems"] = draw(st.lists(inner, min_size=1, max_size=3))
        schema.pop("maxItems", None)
    elif draw(st.booleans()):
        schema |= {
            "items": draw(st.sampled_from([{"type": "string"}, {"type": "integer"}])),
            "uniqueItems": True,
        }
    return schema


@st.composite
def _choices(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    match draw(st.sampled_from(["anyOf", "oneOf", "allOf", "types"])):
        case "anyOf":
            return {"anyOf": draw(st.lists(inner, min_size=1, max_size=3))}
        case "oneOf":
            tagged = [
                {
                    "type": "object",
                    "properties": {"tag": {"const": tag}, "of": draw(inner)},
                    "required": ["tag"],
                }
                for tag in range(draw(st.integers(1, 3)))
            ]
            return {"oneOf": tagged}
        case "allOf":
            parts = [
                {"type": "object", "properties": {f"part{n}": draw(inner)}, "required": [f"part{n}"]}
                for n in range(draw(st.integers(1, 3)))
            ]
            return {"allOf": parts}
    return {"type": ["string", "null", "integer"], "minimum": 3, "minLength": 2}


SCHEMAS = st.recursive(
    _SCALARS, lambda inner: st.one_of(_objects(inner), _arrays(inner), _choices(inner)), max_leaves=8
)


@given(schema=SCHEMAS, seed=st.integers(0, 9))
def test_a_value_is_valid_by_its_schema(schema: Any, seed: int) -> None:
    """For all that schemas of models in use are made of."""
    valid(schema, seed)


_NAMED = """
type properties required items enum const anyOf oneOf allOf $ref $defs minItems maxItems minLength maxLength
minimum exclusiveMaximum multipleOf pattern additionalProperties format prefixItems uniqueItems propertyNames
patternProperties minProperties maxProperties not examples
"""
_KEYWORDS = st.sampled_from(_NAMED.split())
_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["#", "#/$defs/a", "#/properties", "object", "array", "string", "integer", "(", "(?=x)"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_KEYWORDS | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(_ANYTHING)
def test_no_schema_makes_it_fail(schema: JsonValue) -> None:
    """What is no schema, or asks for what cannot be, has a value too."""
    json.dumps(filled(schema, subject(IDEA)), allow_nan=False)


class Part(BaseModel):
    """A module, as some third party asks for it."""

    name: str
    filename: str = Field(pattern=r"^[a-z_]+\.py$")
    spec: str = Field(max_length=60)
    module_type: Literal["web_interface", "service", "data"]
    requires: list[str]


class Tree(BaseModel):
    """Something that holds itself."""

    label: str
    children: list[Tree] = []
    parent: Tree | None = None


class Cat(BaseModel):
    """One branch of a union."""

    kind: Literal["cat"]
    lives: int = Field(ge=1, le=9)


class Dog(BaseModel):
    """The other."""

    kind: Literal["dog"]
    weight: float = Field(gt=0, lt=1)


class Everything(BaseModel):
    """Most of what a model of pydantic can have."""

    parts: list[Part] = Field(min_length=2, max_length=4)
    tree: Tree
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    counts: dict[str, int]
    corner: tuple[int, float, str]
    tags: set[str]
    when: datetime
    day: date
    key: UUID
    quality_score: int = Field(ge=0, le=100)
    maybe: int | None


@pytest.mark.parametrize("seed", range(5))
def test_a_model_of_pydantic_reads_what_its_schema_gives(seed: int) -> None:
    """References, recursion, unions, mappings, tuples, sets and formats."""
    Everything.model_validate(valid(Everything.model_json_schema(), seed))


def test_modules_are_named_after_the_idea() -> None:
    """Names, files, descriptions, types and requirements fit each other."""
    schema = {
        "type": "object",
        "properties": {"modules": {"type": "array", "items": Part.model_json_schema()}},
    }
    modules = valid(schema)["modules"]

    assert [module["name"] for module in modules] == ["Recipes", "Comments", "Pages"]
    assert [module["filename"] for module in modules] == ["recipes.py", "comments.py", "pages.py"]
    assert [module["module_type"] for module in modules] == ["data", "service", "web_interface"]
    assert modules[2]["requires"] == ["Recipes", "Comments"]
    assert modules[1]["spec"].startswith("Comments on a recipe")


def test_reviews_are_good_ones() -> None:
    """No problems, a high score, the good verdict."""
    properties = {
        "verdict": {"enum": ["rejected", "approved"]},
        "issues": {"type": "array", "items": {"type": "string"}},
        "score": {"type": "integer"},
        "has_errors": {"type": "boolean"},
        "approved": {"type": "boolean"},
    }
    review = valid({"type": "object", "properties": properties})

    assert review["verdict"] == "approved"
    assert review["issues"] == []
    assert review["score"] >= 80
    assert (review["has_errors"], review["approved"]) == (False, True)


def test_the_mark_stands_where_there_is_room() -> None:
    """In prose first, within the length that it may have, never in what is fixed; else nowhere."""
    told = subject(IDEA)
    text = {"type": "string"}

    def marked(schema: JsonValue) -> str:
        return json.dumps(filled(schema, told))

    both = json.loads(marked({"type": "object", "properties": {"name": text, "description": text}}))
    assert told.mark.revision in both["description"]
    assert told.mark.revision not in both["name"]
    for name in ("filename", "email", "color", "signature"):
        assert told.mark.revision not in marked({"type": "object", "properties": {name: text}})
    assert told.mark.revision in marked({"type": "array", "items": text})
    assert told.mark.revision in marked({"type": "string", "maxLength": 12})
    assert told.mark.revision not in marked({"type": "string", "pattern": "^[a-z]+$"})
    assert told.mark.revision not in marked({"type": "string", "maxLength": 8})


def test_recursion_ends() -> None:
    """Where it may, by itself; where it must not, at some depth."""
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    endless = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    forced = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}

    link = {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
    chain = {
        "$ref": "#/$defs/node",
        "$defs": {"node": {"type": "object", "properties": {"next": link}, "required": ["next"]}},
    }

    valid(tree)
    assert json.dumps(valid(chain)).count("next") < 8
    assert len(json.dumps(filled(forced, subject(IDEA)))) < 2000
    filled(endless, subject(IDEA))


def test_what_is_huge_is_cut() -> None:
    """A million items or letters are not made."""
    many = filled(
        {"type": "array", "items": {"type": "array", "minItems": 1000}, "minItems": 10**9}, subject(IDEA)
    )
    assert isinstance(many, list)
    assert len(json.dumps(many)) < 10**6
    few = {
        "type": "array",
        "items": {"enum": [1, 2]},
        "uniqueItems": True,
        "minItems": 10**9,
        "maxItems": 10**9,
    }
    assert filled(few, subject(IDEA)) in ([1, 2], [2, 1])
    assert len(str(filled({"type": "string", "minLength": 10**9}, subject(IDEA)))) < 110_000
