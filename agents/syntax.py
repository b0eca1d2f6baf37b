"""Syntax trees of Python, made by one thread at a time.

Python before 3.11.8 and 3.12.2 counts the depth of a tree that it builds once for all threads: of two that
parse at once, either may fail with a `SystemError`, although its source is sound. And what silences
one's warnings silences those of every thread.
"""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["expression_tree", "parsing", "syntax_tree"]

# One that may be taken again: what a collection of garbage runs in the middle of a parse may parse as well.
_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def parsing() -> Generator[None]:
    """No other thread parses meanwhile, and what a source is warned for (`"\\d"`) is said nowhere."""
    with _ONE_AT_A_TIME, warnings.catch_warnings(action="ignore"):
        yield


def syntax_tree(source: str | bytes, name: str = "<source>") -> ast.Module:
    """The syntax tree of a source; raises what `ast.parse` raises.

    Of bytes a comment may name the encoding.
    """
    with parsing():
        return ast.parse(source, name)


def expression_tree(text: str) -> ast.expr:
    """The syntax tree of one expression; raises what `ast.parse` raises."""
    with parsing():
        return ast.parse(text, mode="eval").body
