"""Bodies of functions as people write them: those of modules of the standard library, in column 0."""

from __future__ import annotations

import ast
import importlib.util
import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from agents.conversation import UnusableAnswer
from agents.gap_filling import first_line
from agents.indentation import dedented

__all__ = ["MODULES", "stdlib_bodies"]

_OVER_LINES = re.compile(r'("""|\'\'\')[^\'"]*\n')

_MODULES = ("ast", "argparse", "csv", "dataclasses", "difflib", "email.message", "enum", "inspect")
_MODULES += ("pdb", "pydoc", "smtplib", "statistics", "tarfile", "textwrap", "tokenize", "typing")


MODULES = _MODULES
_AT_MOST = 25


@cache
def stdlib_bodies(name: str) -> tuple[str, ...]:
    """Bodies of functions of the module `name`, those with texts over several lines first."""
    found = sorted(_bodies(name), key=lambda body: not _OVER_LINES.search(body))
    return tuple(found[:_AT_MOST])


def _bodies(name: str) -> Iterator[str]:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    lines = source.split("\n")
    with warnings.catch_warnings(action="ignore"):
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno > 3:
            inside = node.body[1:] if ast.get_docstring(node) and node.body[1:] else node.body
            text = "\n".join(lines[first_line(inside[0]) - 1 : node.end_lineno])
            with suppress(UnusableAnswer):  # it begins in the middle of a line
                if "nonlocal " not in text:
                    yield dedented(text)
