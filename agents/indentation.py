"""Indentation of code that leaves the insides of its texts alone: there, white space is content."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Collection, Iterator

from agents.conversation import UnusableAnswer
from agents.gaps import parsed_code

__all__ = ["dedented", "indented", "inside_texts", "moved_left"]

_BLANKS = " \t\f"
_TAB = 8

# Behind a form feed Python counts columns anew.
_NOT_COUNTED = re.compile(r"(?:[ \t]*+\f)*+")
_NOT_SPACED = re.compile(r"^ *+[\t\f]|^ ++$", re.MULTILINE)


def indented(code: str, margin: int) -> list[str]:
    """The lines of `code`, which is valid and begins in column 0, `margin` columns to the right."""
    kept = inside_texts(code)
    return [
        line if number in kept or not line.strip(_BLANKS) else _moved_right(line, margin)
        for number, line in enumerate(code.split("\n"), 1)
    ]


def dedented(code: str) -> str:
    """`code` with its first statement in column 0, indented by spaces alone.

    Raises `UnusableAnswer` where it is not Python.
    """
    first = next((line for line in code.split("\n") if line.strip(_BLANKS + "\r")[:1] not in ("", "#")), "")
    margin = _column(first)
    if not margin and not _NOT_SPACED.search(code):
        return code
    opened, before = (f"if True:\n{code}", 1) if margin else (code, 0)
    # Valid first: on what is not, the tokenizer may take very long.
    parsed_code(opened, before)
    kept = {number - before for number in inside_texts(opened)}
    return "\n".join(
        line if number in kept else moved_left(_spaced(line), margin)
        for number, line in enumerate(code.split("\n"), 1)
    )


def moved_left(line: str, margin: int) -> str:
    """`line`, which begins outside of texts, without what is white space in its first `margin` columns."""
    if not line.strip(_BLANKS):
        return line
    at = _counted_from(line)
    return line[:at] + line[at : at + margin].lstrip(" \t") + line[at + margin :]


def _moved_right(line: str, margin: int) -> str:
    at = _counted_from(line)
    return line[:at] + " " * margin + line[at:]


def _counted_from(line: str) -> int:
    found = _NOT_COUNTED.match(line)
    return found.end() if found else 0


def _column(line: str) -> int:
    """The column that `line` begins in, as Python counts."""
    column = 0
    for character in line[_counted_from(line) :]:
        if character == " ":
            column += 1
        elif character == "\t":
            column += _TAB - column % _TAB
        else:
            break
    return column


def _spaced(line: str) -> str:
    """`line` with spaces alone before what stands in it."""
    inner = line.lstrip(_BLANKS)
    return " " * _column(line) + inner if inner else ""


def inside_texts(code: str) -> Collection[int]:
    """The numbers of the lines, from 1, that begin inside a text; raises `UnusableAnswer`."""
    found: set[int] = set()
    begun: list[int] = []
    for token in _tokens(f"{code}\n"):
        name = tokenize.tok_name[token.type]
        # From Python 3.12 on a text with fields is several tokens.
        if name == "FSTRING_START":
            begun.append(token.start[0])
        elif name == "FSTRING_END":
            found.update(range(begun.pop() + 1, token.end[0] + 1))
        elif token.type == tokenize.STRING:
            found.update(range(token.start[0] + 1, token.end[0] + 1))
    return found


def _tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(code).readline)
    except (tokenize.TokenError, SyntaxError) as error:
        said = getattr(error, "msg", None) or str(error.args[0] if error.args else error)
        raise UnusableAnswer(f"the code is not valid Python: {said}") from error
