"""Python by its syntax tree, its docstrings, its public API and the routes that it serves."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.source import served_routes
from agents.syntax import parsing, syntax_tree
from harness.compare.files.change import LAYOUT, Change
from harness.compare.mismatch import Severity
from harness.compare.text import one_line

__all__ = ["python_change"]

_MOST_NAMED = 3
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NOT_PYTHON = Change(Severity.BREAKING, " and no longer compiles")
_PLACEHOLDER = re.compile(r"<[^<>]*>")


def python_change(before: str, after: str) -> Change | None:
    """How one source became another; None where the first does not compile or one nests too deep."""
    old, new = _outline(before), _outline(after)
    if old is None:
        return None
    if new is None:
        return _NOT_PYTHON if _is_wrong(after) else None
    if old.whole == new.whole:
        return LAYOUT
    if old.undocumented == new.undocumented:
        return Change(Severity.MINOR, " in docstrings only")
    breaks = (
        *_broken_promises(before, after),
        *_lost_routes(old.routes, new.routes),
        *_left_open(old.stubs, new.stubs, old.definitions),
    )
    severity = Severity.BREAKING if breaks else Severity.MAJOR
    return Change(severity, _definitions(old.definitions, new.definitions), breaks)


@dataclass(frozen=True, slots=True)
class _Outline:
    """A source without its layout: what it says, and what each of its top-level definitions says."""

    whole: str
    undocumented: str
    """What it says without its docstrings."""
    definitions: Mapping[str, str]
    routes: tuple[tuple[str, str], ...]
    stubs: frozenset[str]
    """The functions whose body is still to be written."""


def _outline(source: str) -> _Outline | None:
    try:
        tree = syntax_tree(source)
        definitions = {
            node.name: ast.dump(node)
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        whole, routes = ast.dump(tree), tuple(served_routes(tree))
        _drop_docstrings(tree)
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        stubs = frozenset(node.name for node in functions if _is_open(node))
        return _Outline(whole, ast.dump(tree), definitions, routes, stubs)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_wrong(source: str) -> bool:
    """Whether no Python can read it, however deep it may go."""
    try:
        syntax_tree(source)
    except (SyntaxError, ValueError):
        return True
    except (RecursionError, MemoryError):
        return False
    return False


def _drop_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        first = node.body[0] if node.body else None
        value = first.value if isinstance(first, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            del node.body[0]


def _is_open(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it says that it is not written, or does nothing although it is to return something."""
    match function.body:
        case [
            ast.Raise(
                exc=ast.Call(func=ast.Name(id="NotImplementedError")) | ast.Name(id="NotImplementedError")
            )
        ]:
            return True
        case [] | [ast.Pass()] | [ast.Expr(value=ast.Constant(value=builtins.Ellipsis))]:
            return not isinstance(function.returns, ast.Constant | None)
    return False


def _left_open(before: frozenset[str], after: frozenset[str], written: Mapping[str, str]) -> list[str]:
    """The functions that are written in the control, and left open in the candidate."""
    return [f"{name} is left open" for name in sorted(after - before) if name in written]


def _broken_promises(before: str, after: str) -> list[str]:
    """What the module promised and no longer holds, in griffe's words; it reads the text and runs nothing."""
    # Here, as it takes a tenth of a second to load and most files are equal.
    import griffe

    harmless = {
        griffe.BreakageKind.ATTRIBUTE_CHANGED_TYPE,
        griffe.BreakageKind.ATTRIBUTE_CHANGED_VALUE,
        griffe.BreakageKind.PARAMETER_CHANGED_DEFAULT,
        griffe.BreakageKind.RETURN_CHANGED_TYPE,
    }
    place = Path("module.py")
    try:
        with parsing():
            old, new = (griffe.visit("module", place, source) for source in (before, after))
            found = [
                breakage.explain()
                for breakage in griffe.find_breaking_changes(old, new)
                if breakage.kind not in harmless
            ]
    except Exception:  # whatever a source can make of a foreign library: its syntax tree has been compared
        return []
    # Without the place, which is no file of the candidate.
    return [one_line(_COLOUR.sub("", sentence).partition(": ")[2]) for sentence in found]


def _lost_routes(before: tuple[tuple[str, str], ...], after: tuple[tuple[str, str], ...]) -> list[str]:
    served = {(method, _PLACEHOLDER.sub("<>", path)) for method, path in after}
    return [
        f"{method} {one_line(path)} is no longer served"
        for method, path in before
        if (method, _PLACEHOLDER.sub("<>", path)) not in served
    ]


def _definitions(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Which top-level definitions are gone, new or changed, as the middle of a sentence."""
    parts = []
    for word, names in (
        ("lost", before.keys() - after.keys()),
        ("gained", after.keys() - before.keys()),
        ("changed", {name for name in before.keys() & after.keys() if before[name] != after[name]}),
    ):
        if names:
            listed = sorted(names)
            more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
            parts.append(f"{word} {', '.join(listed[:_MOST_NAMED])}{more}")
    return f" ({'; '.join(parts)})" if parts else ""
