"""What can be told of generated source without running it: definitions, imports, routes, whether they fit."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from agents.answers import parse_python
from agents.api import ModuleApi
from agents.conversation import UnusableAnswer
from agents.plan import ModulePlan, Plan

__all__ = [
    "Import",
    "check_module",
    "defined_names",
    "imports",
    "inspect_project",
    "missing_api",
    "relative_imports",
    "served_routes",
]

_ROUTE_DECORATORS = {
    "route": None,
    "get": "GET",
    "post": "POST",
    "put": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One absolute import: the top-level module, the name taken from it (None for the module), the line."""

    module: str
    name: str | None
    line: int


def imports(tree: ast.Module) -> Iterator[Import]:
    """Every absolute import in `tree`, also those inside functions."""
    for node in _nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name.partition(".")[0], None, node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                yield Import(node.module.partition(".")[0], alias.name, node.lineno)


def defined_names(tree: ast.Module) -> dict[str, ast.stmt]:
    """The names that `tree` defines or imports at top level, with the statement that does.

    A function that is bound anew (`find = cache(find)`) stays what it was defined as.
    """
    found: dict[str, ast.stmt] = {}
    for node in _top_level(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in _bound_names(target):
                    found.setdefault(name, node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = node
    return found


def served_routes(tree: ast.Module) -> list[tuple[str, str]]:
    """(method, path) of every route that a decorator in `tree` declares with a literal path."""
    prefixes = _url_prefixes(tree)
    found = []
    for node in _nodes(tree):
        for decorator in getattr(node, "decorator_list", []):
            if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute)):
                continue
            kind = decorator.func.attr
            path = decorator.args[0] if decorator.args else None
            if kind in _ROUTE_DECORATORS and isinstance(path, ast.Constant) and isinstance(path.value, str):
                method = _ROUTE_DECORATORS[kind]
                prefix = prefixes.get(getattr(decorator.func.value, "id", ""), "")
                route = f"{prefix.rstrip('/')}/{path.value.lstrip('/')}" if prefix else path.value
                found += [(m, route) for m in ([method] if method else _methods(decorator))]
    return found


def relative_imports(tree: ast.Module) -> Iterator[str]:
    """What is wrong with every relative import: the files of a project lie side by side, in no package."""
    for node in _nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            name = node.module or node.names[0].name
            yield f"line {node.lineno}: a relative import fails here; import {name} by its plain name"


def missing_api(tree: ast.Module, api: ModuleApi) -> Iterator[str]:
    """What `api` promises and `tree` does not have, one sentence each."""
    defined = defined_names(tree)
    for function in api.functions:
        node = defined.get(function.name)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"the function {function.signature} is missing"
        elif _parameters(node) != function.parameters:
            yield (
                f"{function.name} takes ({', '.join(_parameters(node))}) and must take "
                f"({', '.join(function.parameters)})"
            )
    if api.routes and "blueprint" not in defined:
        yield "the Flask Blueprint named `blueprint` is missing"
    served = {(method, _shape(path)) for method, path in served_routes(tree)}
    for route in api.routes:
        if (route.method, _shape(route.path)) not in served:
            yield f"the route {route.method} {route.path} is missing"


def check_module(code: str, module: ModulePlan, plan: Plan, apis: Mapping[str, ModuleApi]) -> None:
    """Hold the source of `module` against its API and against the APIs of what it requires.

    `apis` holds the module's own API and those of its `requires`. Raises `UnusableAnswer` with everything
    that is wrong at once.
    """
    tree = parse_python(code)
    problems = [*missing_api(tree, apis[module.name])]
    problems += relative_imports(tree)
    problems += _foreign_names(tree, module, plan, apis)
    if problems:
        raise UnusableAnswer("; ".join(problems))


def inspect_project(files: Mapping[str, str], plan: Plan) -> tuple[str, ...]:
    """Everything that is wrong with a whole project as far as its text tells, one sentence each.

    `files` maps relative paths to contents.
    """
    problems: list[str] = []
    trees: dict[str, ast.Module] = {}
    for path, content in sorted(files.items()):
        if not content.strip():
            problems.append(f"{path} is empty")
        elif path.endswith(".py"):
            try:
                trees[path] = parse_python(content)
            except UnusableAnswer as error:
                problems.append(f"{path}: {error}")
    expected = [*(module.filename for module in plan.modules), "main.py"]
    problems += [f"{path} is missing" for path in expected if path not in files]
    names = {path.removesuffix(".py"): defined_names(tree) for path, tree in trees.items()}
    for path, tree in trees.items():
        problems += [f"{path}, {problem}" for problem in relative_imports(tree)]
        problems += [
            f"{path}, line {found.line}: {found.module}.py defines no {found.name}"
            for found in imports(tree)
            if found.module in names
            and found.name not in (None, "*")
            and found.name not in names[found.module]
        ]
        problems += [
            f"{path} renders {template}, and there is no templates/{template}"
            for template in _rendered_templates(tree)
            if f"templates/{template}" not in files
        ]
    problems += _doubled_routes(trees)
    return tuple(problems)


@lru_cache(maxsize=64)
def _nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All nodes of `tree`; one source is looked through for several things in turn."""
    return tuple(ast.walk(tree))


def _top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run on import, in order, also those under `if`, `try` and `with`."""
    # An explicit stack: a chain of `elif` is as deep as it is long.
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            waiting.extend(reversed([*ast.iter_child_nodes(node)]))


def _bound_names(target: ast.AST) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _url_prefixes(tree: ast.Module) -> dict[str, str]:
    """The prefixes of the blueprints in `tree`, by the names that they are bound to."""
    found = {}
    for node in _nodes(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call):
            for keyword in node.value.keywords:
                prefix = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if keyword.arg == "url_prefix" and isinstance(prefix, str):
                    found.update(dict.fromkeys(_bound_names(node), prefix))
    return found


def _methods(decorator: ast.Call) -> list[str]:
    for keyword in decorator.keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple | ast.Set):
            return [str(e.value).upper() for e in keyword.value.elts if isinstance(e, ast.Constant)]
    return ["GET"]


def _shape(path: str) -> str:
    """A route without the names of its variables: `/cart/<int:id>` serves what `/cart/<int:cart_id>` does."""
    return re.sub(r"<(?:([^<>:]+):)?[^<>]+>", lambda m: f"<{m[1] or ''}>", path).rstrip("/") or "/"


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    return tuple(a.arg for a in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs])


def _foreign_names(
    tree: ast.Module, module: ModulePlan, plan: Plan, apis: Mapping[str, ModuleApi]
) -> Iterator[str]:
    by_stem = {other.stem: other for other in plan.modules}
    for found in imports(tree):
        other = by_stem.get(found.module)
        if other is None:
            continue
        if other.name not in module.requires:
            yield f"line {found.line}: {module.name} does not require {other.name} and must not import it"
        elif found.name is not None and found.name not in apis[other.name].names:
            yield f"line {found.line}: {found.name} is not in the API of {other.name}"
    aliases = {
        alias.asname or alias.name: by_stem[alias.name]
        for node in _nodes(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in by_stem and by_stem[alias.name].name in module.requires
    }
    # A parameter or variable of the same name hides the module; whose attribute is meant cannot be told then.
    hidden = {node.arg for node in _nodes(tree) if isinstance(node, ast.arg)} | {*_bound_names(tree)}
    for node in _nodes(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            other = None if node.value.id in hidden else aliases.get(node.value.id)
            if other is not None and node.attr not in apis[other.name].names:
                yield f"line {node.lineno}: {node.attr} is not in the API of {other.name}"


def _rendered_templates(tree: ast.Module) -> Iterator[str]:
    for node in _nodes(tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            argument = node.args[0]
            if name == "render_template" and isinstance(argument, ast.Constant):
                yield str(argument.value)


def _doubled_routes(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    first: dict[tuple[str, str], str] = {}
    for path, tree in trees.items():
        for method, route in served_routes(tree):
            earlier = first.setdefault((method, _shape(route)), path)
            if earlier != path:
                yield f"{path} and {earlier} both serve {method} {route}"
