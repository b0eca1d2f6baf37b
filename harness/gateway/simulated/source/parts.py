"""A written module taken apart: what stands in its functions, and the private definitions that they use."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from textwrap import dedent

from agents.syntax import syntax_tree

__all__ = ["Parts", "defined_in", "renamed", "taken_apart", "unlocked"]

_LOCK = "_lock"


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a module, as code that begins in column 0.

    `bodies` are those of its public functions by name, `views` those of what it serves by method and path;
    `private` are its private definitions by name, in their order.
    """

    bodies: Mapping[str, str]
    views: Mapping[tuple[str, str], str]
    private: Mapping[str, str]

    def needed(self, codes: Collection[str], known: Collection[str]) -> list[str]:
        """The private definitions that `codes` need, and those that these need, beside what is `known`."""
        found: set[str] = set()
        waiting = [*codes]
        while waiting:
            for name in _used(waiting.pop()) & self.private.keys() - {*known} - found:
                found.add(name)
                waiting.append(self.private[name])
        return [code for name, code in self.private.items() if name in found]


def taken_apart(source: str) -> Parts:
    """The parts of `source`, a module that this model wrote."""
    lines = source.replace("dict[str, Any]", "dict").split("\n")
    bodies: dict[str, str] = {}
    views: dict[tuple[str, str], str] = {}
    private: dict[str, str] = {}
    for node in syntax_tree(source).body:
        match node:
            case ast.FunctionDef(name=name, decorator_list=[]) if name.startswith("_"):
                private[name] = _lines(lines, node)
            case ast.FunctionDef(name=name, decorator_list=[]):
                bodies[name] = _inside(lines, node)
            case ast.FunctionDef(
                decorator_list=[
                    ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value=str(path))])
                ]
            ):
                views[method.upper(), path] = _inside(lines, node)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                private[name] = _lines(lines, node)
    return Parts(bodies, views, private)


def _lines(lines: list[str], node: ast.stmt) -> str:
    return "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _inside(lines: list[str], function: ast.FunctionDef) -> str:
    """The statements of a function after its docstring, which has a line of its own."""
    return dedent("\n".join(lines[function.body[0].end_lineno : function.end_lineno]))


def _used(code: str) -> set[str]:
    return {node.id for node in ast.walk(syntax_tree(code)) if isinstance(node, ast.Name)}


def defined_in(code: str) -> frozenset[str]:
    """The names that `code` defines; none where it cannot be read."""
    try:
        tree = syntax_tree(code)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    return frozenset(_defined(tree))


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def unlocked(code: str) -> str:
    """`code` for a module that has no lock."""
    lines = code.split("\n")
    blocks = [node for node in ast.walk(syntax_tree(code)) if isinstance(node, ast.With)]
    for node in sorted(blocks, key=lambda node: node.lineno, reverse=True):
        if any(isinstance(n, ast.Name) and n.id == _LOCK for n in ast.walk(node.items[0].context_expr)):
            end = node.end_lineno or node.lineno
            lines[node.lineno - 1 : end] = [line[4:] for line in lines[node.lineno : end]]
    return "\n".join(lines)


def renamed(code: str, taken: Collection[str]) -> str:
    """`code` with another name for whatever it binds that is `taken`; as it is where nothing is."""
    tree = syntax_tree(code)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    local = {node.id for node in names if isinstance(node.ctx, ast.Store)} & {*taken}
    for node in names:
        if node.id in local:
            node.id = f"this_{node.id}"
    return ast.unparse(tree) if local else code
