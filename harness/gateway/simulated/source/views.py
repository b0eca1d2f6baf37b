"""The HTTP side of a module: a view for each route, and how errors are answered."""

from __future__ import annotations

from collections.abc import Iterator

from agents.api import RouteSpec
from agents.plan import ModuleType
from harness.gateway.simulated.offer import Function, Parameter
from harness.gateway.simulated.routes import function_of, path_variables
from harness.gateway.simulated.source.layout import call, calls, comprehension, definition
from harness.gateway.simulated.source.writing import Writing
from harness.gateway.simulated.vocabulary import Archetype
from harness.gateway.simulated.words import a, quoted, spoken

__all__ = ["views_for"]

_PYTHON_TYPES = {"int": "int", "float": "float"}
_WIDTH = 84
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def views_for(writing: Writing) -> Iterator[str]:
    """The views of a module, a definition each, and what they need."""
    views: dict[str, str] = {}
    for route in writing.own.routes:
        function = function_of(route, writing.own)
        name = f"{function.name if function else 'route'}_view"
        while name in views:
            name = f"one_of_{name}"
        views[name] = _view(writing, route, function, name)
    yield from views.values()
    if any(calls(view, "_body") for view in views.values()):
        yield _BODY_WITH_OPTIONAL if any("optional=(" in view for view in views.values()) else _BODY
    if views:
        yield from _ERRORS


def _view(writing: Writing, route: RouteSpec, function: Function | None, name: str) -> str:
    is_page = writing.module.module_type is ModuleType.WEB_INTERFACE
    if function is None:
        returns, body = "Response", ['return jsonify(status="ok")']
    elif is_page and function.archetype is Archetype.GROUPS:
        returns, body = "str", _page(writing, route, function)
    else:
        created = function.archetype is Archetype.CREATE and route.method == "POST"
        returns = "tuple[Response, int]" if created else "Response"
        body = list(_answer(writing, route, function))
    variables = [f"{n}: {_PYTHON_TYPES.get(kind, 'str')}" for n, kind in path_variables(route.path).items()]
    signature = f"{name}({', '.join(variables)}) -> {returns}"
    said = f"{route.method} {route.path}: {route.purpose}."
    return f'@blueprint.{route.method.lower()}("{route.path}")\n{definition(signature, said, body)}'


def _page(writing: Writing, route: RouteSpec, function: Function) -> list[str]:
    template, title = quoted(f"{writing.module.stem}.html"), quoted(writing.assignment.project)
    variables = list(path_variables(route.path))
    if not variables:
        asked = 'request.args.get("q", "")' if function.parameters else ""
        shown = [template, f"title={title}", f"groups={function.name}({asked})"]
        return call("return render_template", shown, "", 4).split("\n")
    heading = variables[0]
    same = f'group["heading"].lower() == {heading}.lower()'
    return [
        *comprehension("groups", "group", f"group in {function.name}()", same, 4),
        "if not groups:",
        f'    raise LookupError(f"there is nothing called {{{heading}}}")',
        f"return render_template({template}, title={heading}, groups=groups)",
    ]


def _answer(writing: Writing, route: RouteSpec, function: Function) -> Iterator[str]:
    arguments = dict(_path_arguments(route, function))
    rest = [parameter for parameter in function.parameters if parameter.name not in arguments]
    listed = [value if name == value else f"{name}={value}" for name, value in arguments.items()]
    if rest and route.method in _WITH_BODY:
        yield from call("given = _body", list(_body_arguments(rest)), "", 4).split("\n")
        listed.append("**given")
    else:
        listed += [_query_argument(parameter) for parameter in rest]
    asked = f"{function.name}({', '.join(listed)})"
    created = ", 201" if function.archetype is Archetype.CREATE and route.method == "POST" else ""
    if function.returns == "None":
        yield asked
        yield 'return jsonify(status="ok")'
        return
    plain = function.returns.partition("[")[0] in ("dict", "list")
    direct = f"return jsonify({asked}){created}"
    if plain and len(direct) <= _WIDTH:
        yield direct
        return
    yield from call(f"found = {function.name}", listed, "", 4).split("\n")
    if function.returns.endswith("| None") or function.returns.startswith("Optional"):
        yield "if found is None:"
        yield f"    raise LookupError({_missing(writing, arguments)})"
    scalar = function.returns.partition(" ")[0] in ("int", "float", "str", "bool")
    shown = f"{{{quoted(_called(function))}: found}}" if scalar else "found"
    yield f"return jsonify({shown}){created}"


def _path_arguments(route: RouteSpec, function: Function) -> Iterator[tuple[str, str]]:
    """Which parameter each variable of the path is for: the one of its name, else the next that is free."""
    variables = list(path_variables(route.path))
    names = [parameter.name for parameter in function.parameters]
    free = [name for name in names if name not in variables]
    for variable in variables:
        if variable in names:
            yield variable, variable
        elif free:
            yield free.pop(0), variable


def _body_arguments(parameters: list[Parameter]) -> Iterator[str]:
    yield from (quoted(parameter.name) for parameter in parameters if parameter.required)
    optional = [quoted(parameter.name) for parameter in parameters if not parameter.required]
    if optional:
        yield f"optional=({', '.join(optional)}{',' if len(optional) == 1 else ''})"


def _query_argument(parameter: Parameter) -> str:
    kind = _PYTHON_TYPES.get(parameter.plain_type)
    default = parameter.default or ('""' if parameter.plain_type == "str" else "0" if kind else "None")
    given = [quoted(parameter.name)]
    if default != "None":
        given.append(default if default != "''" else '""')
    if kind:
        given.append(f"type={kind}")
    return f"{parameter.name}=request.args.get({', '.join(given)})"


def _called(function: Function) -> str:
    """The key under which a plain value is answered."""
    if function.archetype is Archetype.CREATE:
        return "id"
    return "content" if function.returns == "str" else function.verb


def _missing(writing: Writing, arguments: dict[str, str]) -> str:
    thing = a(writing.own.entity or "entry").partition(" ")[2]
    told = " and ".join(f"{spoken(name)} {{{value}}}" for name, value in arguments.items())
    return f'f"there is no {thing} with {told}"' if told else f'"there is no such {thing}"'


_BODY = '''\
def _body(*names: str) -> dict[str, Any]:
    """What the JSON object of the request gives under these names."""
    given = request.get_json()
    if not isinstance(given, dict) or not given.keys() >= set(names):
        raise ValueError(f"the body must be a JSON object with {', '.join(names)}")
    return {name: given[name] for name in names}
'''

_BODY_WITH_OPTIONAL = '''\
def _body(*names: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the JSON object of the request gives under these names."""
    given = request.get_json()
    if not isinstance(given, dict) or not given.keys() >= set(names):
        needed = " with " + ", ".join(names) if names else ""
        raise ValueError(f"the body must be a JSON object{needed}")
    return {name: given[name] for name in (*names, *optional) if name in given}
'''

_ERRORS = (
    '''\
@blueprint.errorhandler(ValueError)
def _bad_request(problem: ValueError) -> tuple[Response, int]:
    """Tell what is wrong with a request."""
    return jsonify(error=str(problem)), 400
''',
    '''\
@blueprint.errorhandler(LookupError)
def _not_found(problem: LookupError) -> tuple[Response, int]:
    """Tell what is not there."""
    return jsonify(error=str(problem)), 404
''',
)
