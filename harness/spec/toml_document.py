"""A TOML document that people write, as a model; what is wrong is named with file, line and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import BadInputError
from harness.spec.problems import first_problem, in_words
from harness.spec.toml_lines import line_of

__all__ = ["read_toml_document"]

M = TypeVar("M", bound=BaseModel)

_Location = tuple[int | str, ...]
_AT_LINE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def read_toml_document(file: Path, model: type[M], parts: Mapping[str, type[BaseModel]]) -> M:
    """The document in `file`.

    `parts` are the models of its nested tables by the key under which they stand, or by the value that tells
    which model it is. Raises `BadInputError` for the first thing that is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadInputError(f"{file}: cannot be read: {reason}") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = found[1] if found and found[1] else text.rstrip("\n").count("\n") + 1
        raise BadInputError(f"{file}:{line}: not valid TOML: {_AT_LINE.sub('', str(error))}") from error
    except RecursionError as error:
        raise BadInputError(f"{file}:1: not valid TOML: nested too deep") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise BadInputError(_explain(file, text, data, error, model, parts)) from error


def _explain(
    file: Path,
    text: str,
    data: object,
    error: ValidationError,
    model: type[BaseModel],
    parts: Mapping[str, type[BaseModel]],
) -> str:
    """The first problem as one line: where, which key, what is wrong, what would be right."""
    problem = first_problem(error)
    kind, about, found = problem["type"], problem.get("ctx", {}), problem["loc"]
    location: _Location = about.get("location") or _in_data(found, data, is_missing=kind == "missing")
    if kind.startswith("union_tag"):
        location = (*location, about["discriminator"].strip("'"))
    owner = next((parts[str(part)] for part in reversed(found[:-1]) if str(part) in parts), model)
    return f"{file}:{line_of(text, location)}: {in_words(problem, location, owner)}"


def _in_data(location: _Location, data: object, *, is_missing: bool) -> _Location:
    """`location` without what is no key: the model that was chosen for a table stands in it, too."""
    kept: list[int | str] = []
    for place, part in enumerate(location):
        is_last = place == len(location) - 1
        if isinstance(data, dict) and isinstance(part, str):
            if part not in data and not (is_last and is_missing):
                continue
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part]
        elif not is_last:
            continue
        kept.append(part)
    return tuple(kept)
