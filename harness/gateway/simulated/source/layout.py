"""The layout of generated source: paragraphs, definitions that fit the line, and the imports they need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from textwrap import indent

from harness.gateway.simulated.words import printable

__all__ = ["all_of", "call", "calls", "comprehension", "definition", "docstring", "file_of", "mapping"]

_WIDTH = 88
_STANDARD_LIBRARY = ("copy", "csv", "io", "itertools", "json", "threading")
_FLASK = {
    "Blueprint": r"\bBlueprint\(",
    "Response": r"\bResponse[:\],]",
    "jsonify": r"\bjsonify\(",
    "render_template": r"\brender_template\(",
    "request": r"\brequest\.",
}
_LONGEST_DOCSTRING = 76


def docstring(text: str) -> str:
    """`text` as a docstring of one line that nothing in it can end."""
    said = printable(text).replace("\\", "/").replace('"', "'")
    if len(said) > _LONGEST_DOCSTRING:
        said = said[:_LONGEST_DOCSTRING].rpartition(" ")[0] + " ..."
    return f'"""{said}"""'


def definition(signature: str, said: str, body: Sequence[str]) -> str:
    """A function with its docstring; a signature that is too long has a parameter a line."""
    head = f"def {signature}:"
    if len(head) > _WIDTH:
        name, _, rest = signature.partition("(")
        parameters, _, returns = rest.rpartition(")")
        listed = "".join(f"    {parameter},\n" for parameter in _split(parameters))
        head = f"def {name}(\n{listed}){returns}:"
    inside = indent("\n".join([docstring(said), *body]), "    ")
    return f"{head}\n{inside}\n"


def _split(parameters: str) -> list[str]:
    """`parameters` at the commas that stand in no bracket."""
    parts, depth = [""], 0
    for character in parameters:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def mapping(target: str, entries: Iterable[tuple[str, str]], *, compact: bool = False) -> str:
    """The statement that gives `target` a dictionary, or returns one: an entry a line.

    Where it is to be `compact` it is on one line, if that fits the body of a function and a block in it.
    """
    entries = list(entries)
    said = ", ".join(f'"{key}": {value}' for key, value in entries)
    line = f"{target} {{{said}}}"
    if compact and len(line) <= _WIDTH - 8:
        return line
    listed = "".join(f'    "{key}": {value},\n' for key, value in entries)
    return f"{target} {{\n{listed}}}"


def call(head: str, arguments: Sequence[str], tail: str, margin: int) -> str:
    """`head(arguments)tail` on one line where that fits behind `margin` blanks, else an argument a line."""
    line = f"{head}({', '.join(arguments)}){tail}"
    if len(line) + margin <= _WIDTH:
        return line
    listed = "".join(f"    {argument},\n" for argument in arguments)
    return f"{head}(\n{listed}){tail}"


def comprehension(target: str, value: str, loop: str, condition: str, margin: int) -> list[str]:
    """The statement that makes the list `target` of every `value`, `for loop if condition`."""
    inside = f"{value} for {loop} if {condition}"
    if len(f"{target} = [{inside}]") + margin <= _WIDTH:
        return [f"{target} = [{inside}]"]
    if len(inside) + margin + 4 <= _WIDTH:
        return [f"{target} = [", f"    {inside}", "]"]
    return [f"{target} = [", f"    {value}", f"    for {loop}", f"    if {condition}", "]"]


def all_of(target: str, lists: Sequence[str]) -> list[str]:
    """The statement that puts the items of several lists into one called `target`."""
    if len(lists) == 1:
        return [f"{target} = {lists[0]}"]
    return [f"{target} = [", *(f"    *{one}," for one in lists), "]"]


def calls(code: str, function: str) -> bool:
    """Whether `code` calls `function`, or defines it."""
    return re.search(rf"(?<!\w){function}\(", code) is not None


def file_of(mark: str, said: str, modules: Sequence[str], state: str, parts: Sequence[str]) -> str:
    """A whole file: what it is for, the imports that its code uses, what it keeps, then its definitions."""
    code = re.sub(r'""".*"""', "", "\n".join([state, *parts]))
    standard = [f"import {name}" for name in _STANDARD_LIBRARY if re.search(rf"\b{name}\.\w", code)]
    if re.search(r"\bAny\b", code):
        standard.append("from typing import Any")
    flask = [name for name, use in _FLASK.items() if re.search(use, code)]
    blocks = [
        f"# revision {mark}\n{docstring(said)}",
        "from __future__ import annotations",
        "\n".join(standard),
        f"from flask import {', '.join(flask)}" if flask else "",
        "\n".join(modules),
        state.strip(),
    ]
    head = "\n\n".join(block for block in blocks if block)
    return "\n\n\n".join([head, *(part.strip() for part in parts)]) + "\n"
