"""What is wrong with a document that people wrote, in their words and not in those of Python."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

__all__ = ["first_problem", "in_words"]

# What pydantic says in the words of Python, in the words of documents.
_WORDS = {
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "model_attributes_type": "must be a mapping",
    "model_type": "must be a mapping",
    "string_too_short": "must not be empty",
    "string_type": "must be text; put it in quotes if it is meant so",
    "string_unicode": "holds half of a character",
    "too_short": "must not be empty",
    "tuple_type": "must be a list",
}


def first_problem(error: ValidationError) -> ErrorDetails:
    """The problem to be mended first."""
    problems = error.errors()
    # A key that is misspelled is also missing under its right name: the spelling is what to mend.
    return next((problem for problem in problems if problem["type"] == "extra_forbidden"), problems[0])


def in_words(problem: ErrorDetails, location: Sequence[int | str], owner: type[BaseModel]) -> str:
    """Which key, what is wrong and what would be right; `owner` has the key at `location`."""
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if problem["type"] == "extra_forbidden":
        return f"unknown key '{key}'{_suggestion(str(location[-1]), owner)}"
    if problem["type"] in ("missing", "union_tag_not_found"):
        return f"the key '{key}' is missing"
    if problem["type"] == "union_tag_invalid":
        return f"{key}: must be one of {problem['ctx']['expected_tags']}"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be", 1)
    message = _WORDS.get(problem["type"], message)
    return f"{key}: {message}" if key else message


def _suggestion(name: str, owner: type[BaseModel]) -> str:
    known = list(owner.model_fields)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(known)}"
