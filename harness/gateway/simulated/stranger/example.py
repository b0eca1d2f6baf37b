"""The example of an answer that a prompt shows, in JSON or in YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from textwrap import dedent

import yaml
from pydantic import JsonValue

from harness.gateway.simulated.stranger.reading import Unreadable, read_data

__all__ = ["json_example", "yaml_example"]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_TRIED = 40
_MOST_RUNS = 5
_LONGEST = 20_000

_LEAD_IN = re.compile(
    r"json|yaml|format|example|schema|structure|shape|template|follow|like|form\b|output|return|respond|reply"
    r"|answer",
    re.IGNORECASE,
)
_JSON_START = re.compile(r"\{\s*(?:[\"'][^\n]|\w+\s*:)|\[\s*[{\"]")
_YAML_LINE = re.compile(r" *(?:- |[\w\"'./]+:(?: |$))| *#|\s*$| +\S")
_YAML_KEY = re.compile(r" *(?:- )?[\w\"'./]+:(?: |$)")


def json_example(text: str) -> JsonValue:
    """The largest example in JSON in `text` that is one by what leads to it; None where there is none."""
    text = text[:_LONGEST]
    # Templates of Python write each brace twice.
    return _largest(text) or _largest(text.replace("{{", "{").replace("}}", "}"))


def yaml_example(text: str) -> JsonValue:
    """The largest example in YAML in `text`; None where there is none."""
    for lines in sorted(_yaml_runs(text[:_LONGEST]), key=len, reverse=True)[:_MOST_RUNS]:
        try:
            found: object = yaml.load(dedent("\n".join(lines)), Loader=_Loader)  # noqa: S506 - a safe loader
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        if isinstance(found, dict | list) and found:
            return _as_json(found)
    return None


def _largest(text: str) -> JsonValue:
    best: JsonValue = None
    longest = at = 0
    for _ in range(_MOST_TRIED):
        start = _JSON_START.search(text, at)
        if start is None:
            break
        try:
            found, at = read_data(text, start.start())
        except Unreadable:
            at = start.start() + 1
            continue
        if found and at - start.start() > longest and _leads(text, start.start()):
            best, longest = found, at - start.start()
    return best


def _leads(text: str, at: int) -> bool:
    """Whether what stands before says that an example follows."""
    before = text[max(0, at - 300) : at].rstrip("` \n\t*:")
    return _LEAD_IN.search(before.rpartition("\n")[2] or before) is not None


def _yaml_runs(text: str) -> Iterator[list[str]]:
    """The runs of lines that read as YAML, begin with a key and are led in; also their paragraphs."""
    run: list[str] = []
    before = ""
    for line in [*text.split("\n"), "."]:
        if _YAML_LINE.match(line) and (run or (_YAML_KEY.match(line) and _LEAD_IN.search(before))):
            run.append(line)
        elif run:
            yield run
            for is_paragraph, lines in groupby(run, key=lambda one: bool(one.strip())):
                if is_paragraph:
                    yield _without_heading(list(lines))
            run = []
        before = before if not line.strip(" `") else line


def _without_heading(lines: list[str]) -> list[str]:
    """`lines` without a first one that leads the others in and holds none of them."""
    first, *rest = lines
    is_heading = rest and first.endswith(":") and not rest[0].startswith(" ") and _LEAD_IN.search(first)
    return rest if is_heading else lines


def _as_json(value: object) -> JsonValue:
    match value:
        case dict():
            return {str(key): _as_json(entry) for key, entry in value.items()}
        case list():
            return [_as_json(entry) for entry in value]
        case str() | int() | float() | None:
            return value
    return str(value)
