"""The API of a module: the functions others may call and the routes it serves."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from agents.answers import parse_python
from agents.conversation import UnusableAnswer

__all__ = ["FunctionSpec", "ModuleApi", "RouteSpec", "read_api"]

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PATH = re.compile(r"/(?:[A-Za-z0-9_./-]|<(?:[a-z]+:)?[A-Za-z_][A-Za-z0-9_]*>)*+")
_FORM = "write name(parameter: type) -> type"
_PARAMETER_KEYS = frozenset({"parameters", "params", "arguments", "args", "inputs"})


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function as the architect specifies it; `signature` is `name(parameters) -> type`."""

    signature: str
    purpose: str

    @property
    def name(self) -> str:
        """The function's name."""
        return self.signature.partition("(")[0]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, in order."""
        arguments = _definition(self.signature).args
        return tuple(a.arg for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs])


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """An HTTP route; `path` may hold Flask converters such as `<int:order_id>`."""

    method: str
    path: str
    purpose: str


@dataclass(frozen=True, slots=True)
class ModuleApi:
    """What a module offers to the others and to the outside."""

    functions: tuple[FunctionSpec, ...]
    routes: tuple[RouteSpec, ...] = ()
    notes: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What other modules may import from it."""
        return frozenset(f.name for f in self.functions) | ({"blueprint"} if self.routes else set())

    def as_dict(self) -> dict[str, object]:
        """The API as YAML and JSON have it; `read_api` reads it back."""
        return {
            "functions": [{"signature": f.signature, "purpose": f.purpose} for f in self.functions],
            "routes": [{"method": r.method, "path": r.path, "purpose": r.purpose} for r in self.routes],
            "notes": self.notes,
        }


def read_api(data: Mapping[str, object]) -> ModuleApi:
    """The API in `data`; raises `UnusableAnswer` with everything that is wrong at once."""
    problems: list[str] = []
    functions = [_function(item, problems) for item in _list(data, "functions", problems)]
    routes = [_route(item, problems) for item in _list(data, "routes", problems)]
    names = Counter(function.name for function in functions)
    problems += [f"function {name} is specified twice" for name in sorted(names) if names[name] > 1]
    if not functions and not problems:
        problems.append("'functions' must name at least one function")
    if problems:
        raise UnusableAnswer("; ".join(problems))
    return ModuleApi(tuple(functions), tuple(routes), _text(data.get("notes")))


def _list(data: Mapping[str, object], key: str, problems: list[str]) -> list[object]:
    value = data.get(key) or []
    if not isinstance(value, list):
        problems.append(f"'{key}' must be a list")
        return []
    return value


def _function(item: object, problems: list[str]) -> FunctionSpec:
    entry = item if isinstance(item, Mapping) else {"signature": item}
    signature = _text(entry.get("signature") or entry.get("name"))
    if not signature and len(entry) == 1:
        # `find(order_id: int) -> dict` without quotes is a mapping in YAML, and is meant as a text.
        signature = ": ".join(_text(part) for part in next(iter(entry.items())))
    signature = signature.removeprefix("def ").rstrip(":")
    if "(" not in signature:
        if not _PARAMETER_KEYS.isdisjoint(entry):
            problems.append(f"signature {signature!r} lacks its parameters: {_FORM}")
        signature += "()"
    try:
        definition = _definition(signature)
        returns = f" -> {ast.unparse(definition.returns)}" if definition.returns else ""
        plain = f"{definition.name}({ast.unparse(definition.args)}){returns}"
    except (UnusableAnswer, ValueError, RecursionError):
        problems.append(f"signature {signature!r} is not Python: {_FORM}")
        return FunctionSpec("unknown()", "")
    return FunctionSpec(plain, _text(entry.get("purpose") or entry.get("description")))


def _definition(signature: str) -> ast.FunctionDef:
    tree = parse_python(f"def {signature}: ...")
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        raise ValueError(signature)
    return tree.body[0]


def _route(item: object, problems: list[str]) -> RouteSpec:
    entry = item if isinstance(item, Mapping) else {}
    method = _text(entry.get("method") or "GET").upper()
    path = _text(entry.get("path") or entry.get("route"))
    if method not in _METHODS:
        problems.append(f"route {path!r} has the method {method!r}; it must be one of {', '.join(_METHODS)}")
    if not _PATH.fullmatch(path):
        problems.append(
            f"route path {path!r} is not usable: it begins with /, holds no spaces, and has its variables in "
            "angle brackets, such as <int:order_id>"
        )
    return RouteSpec(method, path, _text(entry.get("purpose") or entry.get("description")))


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())
