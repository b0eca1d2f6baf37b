"""The JSON Schemas of what the harness gives to other programs, made from the models that write it.

A version is a promise: within it properties are added and never taken away or given another type, so a
program that ignores what it does not know can read every later result of that version.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from harness.bisect import Bisection
from harness.compare import Comparison
from harness.errors import BadInputError
from harness.record import RunSummary
from harness.report.report_files import write_report

__all__ = ["SchemaName", "breaking_changes", "json_schema", "schema_text", "write_schema"]

Schema = Mapping[str, object]

# What is for people, and the list of an enum's values, which may grow.
_NO_PART_OF_THE_TYPE = frozenset({"title", "description", "default", "enum"})


class SchemaName(StrEnum):
    """What there is a schema of."""

    COMPARISON = "comparison"
    """An entry of what `harness compare --json` prints; what `harness diff --json` prints."""
    BISECTION = "bisection"
    """An entry of what `harness bisect --json` prints."""
    RUN = "run"
    """The file `record.json` of a stored run."""


class _Generator(GenerateJsonSchema):
    """One that knows what can stand for a thing of no particular type."""

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        return {} if schema["cls"] is Hashable else super().is_instance_schema(schema)


_MODELS: dict[SchemaName, type[BaseModel]] = {
    SchemaName.COMPARISON: Comparison,
    SchemaName.BISECTION: Bisection,
    SchemaName.RUN: RunSummary,
}


def json_schema(name: SchemaName) -> dict[str, object]:
    """The schema of that name, as the model of today yields it."""
    model = _MODELS[name]
    version = model.model_fields["schema_version"].default
    schema = model.model_json_schema(schema_generator=_Generator, mode="serialization")
    # A document of another version is another document.
    schema["properties"]["schema_version"]["const"] = version
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:agentfactory-migration-harness:{name.value}:{version}",
        "version": version,
        **schema,
    }


def schema_text(name: SchemaName) -> str:
    """The schema of that name as it is printed and kept in a file."""
    return f"{json.dumps(json_schema(name), indent=2)}\n"


def write_schema(name: SchemaName, path: Path) -> None:
    """Write the schema to `path`, where an earlier one of the same version may stand.

    Raises `BadInputError` where that one promised something which this one does not hold.
    """
    schema = json_schema(name)
    before = _read(path) if path.exists() else {}
    if before.get("$id") == schema["$id"] and (broken := breaking_changes(before, schema)):
        raise BadInputError(
            f"{path}: {'; '.join(broken)}: that is no addition, so schema_version must be another one than "
            f"{schema['version']}"
        )
    write_report(path, schema_text(name))


def breaking_changes(before: Schema, after: Schema) -> list[str]:
    """What a program that knows `before` cannot rely on any more in `after`, a few words each."""
    definitions = {"": after, **_part(after, "$defs")}
    return [
        problem
        for name, definition in {"": before, **_part(before, "$defs")}.items()
        for problem in _broken(name, definition, definitions.get(name, {}))
    ]


def _broken(name: str, before: object, after: object) -> Iterator[str]:
    promised, given = _part(before, "properties"), _part(after, "properties")
    for key, shape in promised.items():
        place = f"{name}.{key}" if name else key
        if key not in given:
            yield f"{place} is gone"
        elif _type(shape) != _type(given[key]):
            yield f"{place} has another type"
        elif key in _required(before) and key not in _required(after):
            yield f"{place} may be missing"


def _type(shape: object) -> object:
    """`shape` without what is no part of the type."""
    if isinstance(shape, dict):
        return {key: _type(part) for key, part in shape.items() if key not in _NO_PART_OF_THE_TYPE}
    return [_type(part) for part in shape] if isinstance(shape, list) else shape


def _part(schema: object, key: str) -> dict[str, object]:
    part = schema.get(key) if isinstance(schema, Mapping) else None
    return part if isinstance(part, dict) else {}


def _required(schema: object) -> list[object]:
    required = schema.get("required") if isinstance(schema, Mapping) else None
    return required if isinstance(required, list) else []


def _read(path: Path) -> dict[str, object]:
    try:
        schema = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: cannot be read as a JSON Schema; name another file") from error
    if not isinstance(schema, dict) or "$schema" not in schema:
        raise BadInputError(f"{path}: is no JSON Schema; name another file")
    return schema
