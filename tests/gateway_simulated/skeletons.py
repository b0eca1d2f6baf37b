"""Rendered modules as templates make them: the store, the checks, and a gap for each function."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.gaps import Gap, GapKind, Skeleton, placeholder
from agents.plan import ModulePlan
from agents.project import Inputs
from harness.gateway.simulated.offer import read_offer
from harness.gateway.simulated.words import spoken

__all__ = ["SHARED", "skeleton_of"]

SHARED = "shared"

_HEAD = '''\
"""A rendered module."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request
'''

_STORE = """\
_lock = threading.Lock()
_rows: dict[int, dict[str, Any]] = {}
_ids = itertools.count(1)
"""

_KNOWN = '''\
def _known(key: int) -> dict[str, Any]:
    """The row with this id; LookupError where there is none."""
    if not isinstance(key, int) or key not in _rows:
        raise LookupError(f"there is no [[what]] {key}")
    return _rows[key]
'''

_CHECKS = {
    "str": '''\
def _text(name: str, value: str) -> str:
    """The text without blanks at its ends; ValueError where nothing is left."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be a text that is not empty")
    return value.strip()
''',
    "list": '''\
def _texts(name: str, value: list) -> list[str]:
    """The texts of a list; ValueError where one is none."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of texts")
    return [_text(name, item) for item in value]
''',
    "float": '''\
def _number(name: str, value: float) -> float:
    """The number, from 0 to 1e12; ValueError otherwise."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1e12:
        raise ValueError(f"{name} must be a number between 0 and 1e12")
    return float(value)
''',
    "int": '''\
def _whole(name: str, value: int, least: int = 0) -> int:
    """The whole number, from `least` to 10**9; ValueError otherwise."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not least <= value <= 10**9:
        raise ValueError(f"{name} must be a whole number between {least} and 10**9")
    return value
''',
    "bool": '''\
def _flag(name: str, value: bool) -> bool:
    """True or false; ValueError otherwise."""
    if value is not True and value is not False:
        raise ValueError(f"{name} must be true or false")
    return value
''',
}

_SERVING = '''\
def _body(*names: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the JSON object of the request gives under these names."""
    given = request.get_json()
    if not isinstance(given, dict) or not given.keys() >= set(names):
        needed = " with " + ", ".join(names) if names else ""
        raise ValueError(f"the body must be a JSON object{needed}")
    return {name: given[name] for name in (*names, *optional) if name in given}


@blueprint.errorhandler(ValueError)
def _bad_request(problem: ValueError) -> tuple[Response, int]:
    """Tell what is wrong with a request."""
    return jsonify(error=str(problem)), 400


@blueprint.errorhandler(LookupError)
def _not_found(problem: LookupError) -> tuple[Response, int]:
    """Tell what is not there."""
    return jsonify(error=str(problem)), 404
'''


def skeleton_of(
    module: ModulePlan,
    inputs: Inputs,
    *,
    views: bool = False,
    store: bool = True,
    checks: bool = True,
    imports: Collection[str] = (),
) -> Skeleton:
    """The skeleton of `module`. With `views`, every view is a gap; else there are none at all."""
    api = inputs.apis[module.name]
    required = {inputs.made_plan.module(name).stem: inputs.apis[name].names for name in module.requires}
    gaps = [Gap(SHARED, GapKind.SHARED, "Private definitions that several functions need.")]
    gaps += [Gap(f.name, GapKind.BODY, f.purpose, f.signature) for f in api.functions]
    gaps += [_view_gap(number, route) for number, route in enumerate(api.routes) if views]
    parts = [
        "\n".join(f"import {name}" for name in sorted(imports)),
        f'blueprint = Blueprint("{module.stem}", __name__)' if api.routes else "",
        _STORE if store else "",
        placeholder(SHARED, GapKind.SHARED),
        *(_definition(f.signature, f.name) for f in api.functions),
        _known(module, api) if store else "",
        *(_checks(api.functions) if checks else ()),
        *(_view(number, route) for number, route in enumerate(api.routes) if views),
        _SERVING if api.routes else "",
    ]
    source = "\n\n".join([_HEAD, *(f"{part.strip()}\n" for part in parts if part)])
    return Skeleton(source, tuple(gaps), required)


def _definition(signature: str, name: str) -> str:
    return f'def {signature}:\n    """What it is for."""\n    {placeholder(name, GapKind.BODY)}\n'


def _known(module: ModulePlan, api: ModuleApi) -> str:
    entity = read_offer(module.name, module.stem, api.as_dict()).entity
    return _KNOWN.replace("[[what]]", spoken(entity))


def _checks(functions: tuple[FunctionSpec, ...]) -> Iterator[str]:
    """The checks of the types that are given to functions."""
    types = set()
    for function in functions:
        for node in ast.walk(ast.parse(f"def {function.signature}: ...")):
            if isinstance(node, ast.arg) and node.annotation is not None:
                types.add(ast.unparse(node.annotation).removesuffix(" | None"))
    if "list" in types:
        types.add("str")
    yield from (check for name, check in _CHECKS.items() if name in types)


def _view_gap(number: int, route: RouteSpec) -> Gap:
    variables = re.findall(r"<(?:(\w+):)?(\w+)>", route.path)
    given = ", ".join(f"{name}: {kind if kind in ('int', 'float') else 'str'}" for kind, name in variables)
    does = f"{route.method} {route.path}: {route.purpose}"
    return Gap(f"view_{number}", GapKind.BODY, does, f"view_{number}({given}) -> Any")


def _view(number: int, route: RouteSpec) -> str:
    gap = _view_gap(number, route)
    return f'@blueprint.{route.method.lower()}("{route.path}")\n{_definition(gap.signature, gap.name)}'
