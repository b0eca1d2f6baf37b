"""Routes: by which path and method a function is reached over HTTP."""

from __future__ import annotations

import re

from agents.api import RouteSpec
from agents.plan import ModuleType
from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.offer import Function, Offer
from harness.gateway.simulated.vocabulary import Archetype

__all__ = ["designed_routes", "function_of", "path_variables"]

_PATHS = {
    Archetype.CREATE: ("POST", ""),
    Archetype.LIST: ("GET", ""),
    Archetype.GET: ("GET", "/{id}"),
    Archetype.UPDATE: ("PATCH", "/{id}"),
    Archetype.REMOVE: ("DELETE", "/{id}"),
    Archetype.CHANGE_STATE: ("POST", "/{id}/{verb}"),
    Archetype.TAKE: ("POST", "/{id}/{verb}"),
    Archetype.REFILL: ("POST", "/{id}/{verb}"),
    Archetype.VOTE: ("POST", "/{id}/{verb}"),
    Archetype.TRACK: ("GET", "/{id}/{verb}"),
    Archetype.FIND: ("GET", "/{field}/{key}"),
    Archetype.CONVERT: ("POST", "/{name}"),
}
"""Method and path under the module's own; what is not here is read at `/verb`."""

_PURPOSES = {
    Archetype.CREATE: "{name} from the JSON body, answers 201",
    Archetype.GET: "{name}, or 404",
    Archetype.FIND: "{name}, or 404",
    Archetype.SEARCH: "{name} with ?text= and ?limit=",
}

_VARIABLE = re.compile(r"<(?:(?P<converter>[^<>:]+):)?(?P<name>[^<>]+)>")


def designed_routes(assignment: Assignment, functions: tuple[Function, ...]) -> tuple[RouteSpec, ...]:
    """The routes of a module of a web application; utilities have none."""
    module = assignment.module
    if not assignment.has_pages or module.module_type is ModuleType.UTILITY:
        return ()
    base = f"/{module.stem.replace('_', '-')}"
    if module.module_type is ModuleType.WEB_INTERFACE:
        name = functions[0].name
        return (
            RouteSpec("GET", "/" if assignment.is_first_page else base, f"the page with {name}"),
            RouteSpec("GET", f"{base}/<string:heading>", f"the page with one group of {name}, or 404"),
        )
    routes: dict[tuple[str, str], RouteSpec] = {}
    for function in functions:
        method, path = _path(function, functions)
        purpose = _PURPOSES.get(function.archetype, "{name} as JSON").format(name=function.name)
        routes.setdefault((method, path), RouteSpec(method, base + path, purpose))
    return tuple(routes.values())


def _path(function: Function, functions: tuple[Function, ...]) -> tuple[str, str]:
    method, path = _PATHS.get(function.archetype, ("GET", "/{verb}"))
    key = next(iter(function.required), None)
    if function.archetype is Archetype.UPDATE and _is_second(function, functions):
        path += "/{rest}"
    if path == "/{verb}" and key is not None and key.name != "text":
        path += "/{key}"
    return method, path.format(
        id=f"<int:{key.name}>" if key else "",
        key=f"<{_converter(key.annotation)}:{key.name}>" if key else "",
        field=key.name.removesuffix("_id").replace("_", "-") if key else "",
        verb=function.verb.replace("_", "-"),
        rest=function.rest.replace("_", "-"),
        name=function.name.replace("_", "-"),
    )


def _is_second(function: Function, functions: tuple[Function, ...]) -> bool:
    return function is not next(f for f in functions if f.archetype is Archetype.UPDATE)


def _converter(annotation: str) -> str:
    return annotation if annotation in ("int", "float") else "string"


def function_of(route: RouteSpec, offer: Offer) -> Function | None:
    """The function that a route leads to: the one its purpose names, else the one that fits it best."""
    named = set(re.findall(r"\w+", route.purpose))
    for function in offer.functions:
        if function.name in named:
            return function
    variables = path_variables(route.path)
    return max(
        (function for function in offer.functions if len(function.required) >= len(variables)),
        key=lambda function: _fitness(function, route, variables),
        default=None,
    )


def path_variables(path: str) -> dict[str, str]:
    """The variables of a path with their converters, in order."""
    return {match["name"]: match["converter"] or "string" for match in _VARIABLE.finditer(path)}


_METHODS = {
    "POST": {Archetype.CREATE, Archetype.CHANGE_STATE, Archetype.TAKE, Archetype.REFILL, Archetype.VOTE},
    "PUT": {Archetype.UPDATE},
    "PATCH": {Archetype.UPDATE},
    "DELETE": {Archetype.REMOVE},
    "GET": {Archetype.GET, Archetype.LIST, Archetype.SEARCH, Archetype.FIND},
}


def _fitness(function: Function, route: RouteSpec, variables: dict[str, str]) -> int:
    last = route.path.rstrip("/").rpartition("/")[2].replace("-", "_")
    fits = 4 * (function.archetype in _METHODS[route.method])
    fits += 3 * (last in (function.verb, function.rest, function.name))
    on_one = {Archetype.GET, Archetype.UPDATE, Archetype.REMOVE, Archetype.CHANGE_STATE}
    return fits + 2 * (bool(variables) == (function.archetype in on_one))
