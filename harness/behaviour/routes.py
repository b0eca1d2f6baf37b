"""The routes of a generated project as its source declares them, each with the fields that it takes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeGuard

from agents.source import served_routes
from harness.behaviour.project import Project

__all__ = ["Route", "routes_of"]

_READS = frozenset({"get", "getlist", "pop"})
_HELPERS = ("body", "json", "data", "form", "field", "payload")


@dataclass(frozen=True, slots=True)
class Route:
    """A route, and what is known of the fields that it takes."""

    method: str
    path: str
    fields: Mapping[str, str]
    """Names, with their types as far as any function of the module declares one."""
    is_form: bool


def routes_of(project: Project) -> Iterator[Route]:
    """The routes that `project` declares by decorators and by `add_url_rule`."""
    prefixes = {
        blueprint: prefix
        for path, tree in project.trees.items()
        for blueprint, prefix in _registered(tree, PurePosixPath(path).stem)
    }
    for path, tree in project.trees.items():
        nodes = [*ast.walk(tree)]
        types = dict(_annotated(nodes))
        # Where blueprints get their prefixes; that of their registration counts most, and so comes last.
        around = [node for node in nodes if isinstance(node, ast.Assign | ast.AnnAssign)]
        around += [
            _binding(name, prefix)
            for (stem, name), prefix in prefixes.items()
            if stem == PurePosixPath(path).stem
        ]
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.decorator_list:
                fields = {name: types.get(name, "") for name in _fields(node)}
                for method, route in served_routes(ast.Module([*around, node], [])):
                    yield Route(method, route, fields, _takes_form(node))
            elif _calls(node, "add_url_rule"):
                yield from _rule(node)


def _registered(tree: ast.Module, stem: str) -> Iterator[tuple[tuple[str, str], str]]:
    """The prefixes that `register_blueprint` gives, by module and name of the blueprint."""
    nodes = [*ast.walk(tree)]
    imported = {
        alias.asname or alias.name: (node.module.rpartition(".")[2], alias.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for node in nodes:
        if not _calls(node, "register_blueprint") or not node.args:
            continue
        blueprint = node.args[0]
        prefix = _text(next((k.value for k in node.keywords if k.arg == "url_prefix"), None))
        if prefix is None:
            continue
        if isinstance(blueprint, ast.Name):
            yield imported.get(blueprint.id, (stem, blueprint.id)), prefix
        elif isinstance(blueprint, ast.Attribute) and isinstance(blueprint.value, ast.Name):
            yield (blueprint.value.id, blueprint.attr), prefix


def _binding(name: str, prefix: str) -> ast.Assign:
    keyword = ast.keyword("url_prefix", ast.Constant(prefix))
    return ast.Assign(
        [ast.Name(name, ast.Store())], ast.Call(ast.Name("Blueprint", ast.Load()), [], [keyword])
    )


def _rule(call: ast.Call) -> Iterator[Route]:
    path = _text(call.args[0]) if call.args else None
    methods = next((k.value for k in call.keywords if k.arg == "methods"), None)
    named = methods.elts if isinstance(methods, ast.List | ast.Tuple | ast.Set) else [ast.Constant("GET")]
    if path is not None:
        for method in filter(None, map(_text, named)):
            yield Route(method.upper(), path, {}, False)


def _calls(node: ast.AST, name: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _fields(view: ast.AST) -> Iterator[str]:
    """The names that a view looks up, or hands to a helper that does."""
    for node in ast.walk(view):
        names: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            names = [node.slice]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READS:
            names = node.args[:1]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and _helps(node.func.id):
            names = [*node.args, *(name for keyword in node.keywords for name in _several(keyword.value))]
        yield from (name for node in names if (name := _text(node)) and name.isidentifier())


def _helps(name: str) -> bool:
    return any(word in name for word in _HELPERS)


def _several(node: ast.expr) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.Tuple | ast.List) else []


def _takes_form(view: ast.AST) -> bool:
    read = {node.attr for node in ast.walk(view) if isinstance(node, ast.Attribute)}
    return "form" in read and not read & {"get_json", "json"}


def _annotated(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """The parameters of all functions, with their types."""
    for node in nodes:
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node.arg, ast.unparse(node.annotation).partition("[")[0].partition(" ")[0]
