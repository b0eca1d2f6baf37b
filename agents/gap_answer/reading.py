"""Reading the code out of an answer."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from agents.answers import fenced_blocks
from agents.conversation import UnusableAnswer
from agents.gap_answer.checking import MOST_CHARACTERS, check_gap, check_length
from agents.gap_filling import first_line
from agents.gaps import Gap, GapKind, Skeleton, parsed_code
from agents.indentation import dedented

__all__ = ["GAP_FORMAT", "read_code", "read_gap", "said_in_json"]

GAP_FORMAT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"code": {"type": "string", "maxLength": MOST_CHARACTERS}},
    "required": ["code"],
    "additionalProperties": False,
}
"""The JSON schema of an answer."""


def read_gap(text: str, gap: Gap, skeleton: Skeleton, shared: str = "") -> str:
    """The code for `gap` in the answer `text`; `shared` is what the module's functions share already.

    It begins in column 0 and has LF line ends. Raises `UnusableAnswer` with everything that is wrong at once.
    """
    code = read_code(text, gap)
    check_gap(code, gap, skeleton, shared)
    return code


def read_code(text: str, gap: Gap) -> str:
    """The code in an answer: a JSON object, else a fenced block; of a whole function, its body.

    It begins in column 0 and is indented by spaces. Nothing but comments in a gap for what is shared is
    nothing.
    """
    code = _said(text)
    check_length(code)
    code = code.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").rstrip()
    if code.lstrip().startswith("```"):
        blocks = fenced_blocks(code)
        code = blocks[0].body.rstrip() if len(blocks) == 1 else code
    code = dedented(code).strip("\n")
    if gap.kind is GapKind.BODY:
        return _body_alone(code, gap)
    return "" if all(isinstance(node, ast.Pass) for node in parsed_code(code).body) else code


def said_in_json(text: str) -> dict[str, Any]:
    """The JSON object in an answer, alone or in a fence; empty where there is none."""
    for candidate in (text, *(block.body for block in fenced_blocks(text))):
        try:
            data = json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            return data
    return {}


def _said(text: str) -> str:
    """The code as it was answered."""
    if data := said_in_json(text):
        code = data.get("code")
        if not isinstance(code, str):
            raise UnusableAnswer("the JSON object must have the key 'code', whose value is a text")
        return code
    blocks = [block.body for block in fenced_blocks(text) if block.language in ("python", "py", "")]
    if len(blocks) == 1 and not blocks[0].lstrip().startswith("{"):
        return blocks[0]
    wrong = "; ".join(_json_problem(text))
    form = 'answer with one JSON object, such as {"code": "return 1"}, and nothing else'
    raise UnusableAnswer(f"{wrong}; {form}" if wrong else form)


def _json_problem(text: str) -> list[str]:
    """What keeps a text that is meant as JSON from being read."""
    for candidate in (text, *(block.body for block in fenced_blocks(text))):
        if candidate.lstrip().startswith("{"):
            try:
                json.loads(candidate, strict=False)
            except json.JSONDecodeError as error:
                at = f"line {error.lineno} column {error.colno}"
                hint = "" if error.msg == "Extra data" else '; a quote in a text is written \\"'
                return [f"the JSON cannot be read ({error.msg}: {at}){hint}"]
            except (ValueError, RecursionError) as error:
                return [f"the JSON cannot be read ({error})"]
    return []


def _body_alone(code: str, gap: Gap) -> str:
    """What stands in the function, where a model answers with its first line as well."""
    match parsed_code(code).body:
        case [ast.FunctionDef(name=name) as function] if name == _function(gap):
            inside = function.body
            if ast.get_docstring(function, clean=False) is not None and len(inside) > 1:
                inside = inside[1:]
            lines = code.split("\n")
            at = first_line(inside[0])
            if lines[at - 1][: inside[0].col_offset].strip(" @"):
                raise UnusableAnswer(f"give the body of {name} alone, its statements a line each")
            return dedented("\n".join(lines[at - 1 :]))
    return code


def _function(gap: Gap) -> str:
    return gap.signature.partition("(")[0].strip() or gap.name
