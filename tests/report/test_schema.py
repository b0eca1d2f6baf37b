"""The schemas: what is committed is what the models yield, and a version only ever grows."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from agents.conversation import Cause
from harness.cli import app
from harness.compare import Comparison, compare
from harness.report.schema import SchemaName, breaking_changes, json_schema, schema_text
from harness.spec import Spec
from tests.compare.records import FILES, make_failure, make_record

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    control = make_record(tmp_path / "control", engine="legacy", concurrent=False)
    files = {**FILES, "cart.py": "CART = [1]\n"}
    candidate = make_record(tmp_path / "candidate", files=files, failures=[make_failure(Cause.ENGINE)])
    return compare(Spec(name="shop", idea="a shop"), control, candidate)


def test_the_committed_schema_is_what_the_model_yields() -> None:
    """Where it is not: `uv run harness schema comparison --output docs/schema/comparison-1.json`."""
    assert (SCHEMAS / "comparison-1.json").read_text() == schema_text(SchemaName.COMPARISON)


def test_every_field_at_the_top_is_described() -> None:
    schema: Any = json_schema(SchemaName.COMPARISON)
    described = re.findall(r"^\| (.*?) \|", (SCHEMAS.parent / "exports.md").read_text(), re.MULTILINE)
    assert schema["properties"].keys() - set(re.findall(r"`(\w+)`", " ".join(described))) == set()


@pytest.mark.parametrize("name", SchemaName)
def test_every_schema_is_one_and_says_which(name: SchemaName) -> None:
    schema: Any = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:agentfactory-migration-harness:{name}:{schema['version']}"
    assert schema["title"]


def test_a_comparison_is_valid_and_one_of_another_version_is_not(comparison: Comparison) -> None:
    validator = Draft202012Validator(json_schema(SchemaName.COMPARISON))
    document = json.loads(comparison.model_dump_json())
    assert document["layers"]
    assert list(validator.iter_errors(document)) == []
    assert not validator.is_valid({**document, "schema_version": 2})
    assert not validator.is_valid({**document, "speedup": "fast"})
    del document["verdict"]
    assert not validator.is_valid(document)


def test_a_record_is_valid(tmp_path: Path) -> None:
    summary = make_record(tmp_path / "run").summary
    assert Draft202012Validator(json_schema(SchemaName.RUN)).is_valid(summary.model_dump(mode="json"))


def schema_of(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """A schema with these properties at the top and in one definition below it."""
    shape = {"properties": properties, "required": required or []}
    return {**shape, "$defs": {"Part": shape}}


NUMBER = {"type": "number", "title": "Speed", "description": "How fast."}


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        (schema_of({"speed": NUMBER, "slots": {"type": "integer"}}, ["speed", "slots"]), []),
        (schema_of({"speed": {"type": "number", "description": "otherwise said"}}, ["speed"]), []),
        (schema_of({}), ["speed is gone", "Part.speed is gone"]),
        (
            schema_of({"speed": {"type": "string"}}, ["speed"]),
            ["speed has another type", "Part.speed has another type"],
        ),
        (
            schema_of({"speed": {"anyOf": [{"type": "number"}, {"type": "null"}]}}, ["speed"]),
            ["speed has another type", "Part.speed has another type"],
        ),
        (schema_of({"speed": NUMBER}), ["speed may be missing", "Part.speed may be missing"]),
        ({**schema_of({"speed": NUMBER}, ["speed"]), "$defs": {}}, ["Part.speed is gone"]),
    ],
)
def test_what_breaks_a_promise_is_told_from_an_addition(after: dict[str, Any], broken: list[str]) -> None:
    assert breaking_changes(schema_of({"speed": NUMBER}, ["speed"]), after) == broken


def test_another_value_of_an_enum_is_an_addition() -> None:
    before, after = ({"$defs": {"Kind": {"enum": kinds, "type": "string"}}} for kinds in (["A"], ["A", "B"]))
    assert breaking_changes(before, after) == []


def invoked(*words: str | Path) -> tuple[int, str]:
    """The exit code and what is printed."""
    result = CliRunner().invoke(app, ["schema", *map(str, words)])
    return result.exit_code, result.output


def test_a_schema_is_written_over_an_earlier_one_only_where_it_adds(tmp_path: Path) -> None:
    path = tmp_path / "run-1.json"
    assert invoked("run", "--output", path) == (0, f"written: {path}\n")
    assert path.read_text() == invoked("run")[1]
    earlier = json.loads(path.read_text())
    del earlier["properties"]["sittings"]
    path.write_text(json.dumps(earlier))
    assert invoked("run", "--output", path)[0] == 0
    promised = json.loads(path.read_text())
    assert "sittings" in promised["properties"]
    promised["properties"]["mood"] = {"type": "string"}
    path.write_text(json.dumps(promised))
    code, text = invoked("run", "--output", path)
    assert (code, text.count("\n")) == (2, 1)
    assert "mood is gone: that is no addition, so schema_version must be another one than 1" in text
    assert "mood" in path.read_text()
    # Of another version nothing was promised.
    path.write_text(json.dumps({**promised, "$id": "urn:another"}))
    assert invoked("run", "--output", path)[0] == 0


def test_a_file_that_is_no_schema_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes")
    assert invoked("comparison", "--output", path)[0] == 2
    assert path.read_text() == "my notes"
