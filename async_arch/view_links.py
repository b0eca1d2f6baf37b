"""How routes lead to functions: what a view takes from the request, what it calls, and how it answers.

A route is tied to a function where its purpose names exactly one of the API and the request can give all that
the function takes. The view is then rendered; otherwise its body is a gap.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.api import FunctionSpec, ModuleApi, RouteSpec
from agents.gaps import Gap, GapKind
from async_arch.signatures import Parameter, Signature, Type, read_signature

__all__ = ["Answer", "Page", "Routes", "UnknownPath", "View", "kept_thing", "path_variables", "routes_of"]

_VARIABLE = re.compile(r"<(?:(?P<converter>[^<>:]+):)?(?P<name>[^<>]+)>")
_CONVERTED = {
    "default": "str",
    "string": "str",
    "path": "str",
    "int": "int",
    "float": "float",
    "uuid": "uuid.UUID",
}
_LONGEST_NAME = 32
"""Of the name of a view before its ending, so that the statement that stands for its gap fits a line."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_NUMBERS = frozenset({"int", "float"})
_SCALARS = frozenset({"str", "int", "float", "bool"})
_IN_JSON = frozenset({*_SCALARS, "list", "dict", ""})
_ANSWERED = frozenset({*_IN_JSON, "tuple", "None"})
_LOCAL = frozenset({"found", "given", "request", "jsonify", "str", "int", "float", "uuid"})

_GIVING = frozenset({"fetch", "get", "load", "read"})
_MAKING = frozenset(
    {"add", "book", "borrow", "buy", "collect", "compose", "create", "define", "draft", "enroll", "enter"}
    | {"hire", "insert", "issue", "lend", "make", "new", "place", "prescribe", "register", "save", "store"}
    | {"write"}
)


class UnknownPath(ValueError):
    """A path that Flask cannot have."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A view that answers with what a function gives, as JSON.

    `arguments` are source; `body` names what the JSON body must hold, `optional` what it may. `key` is that
    of a plain value in the object that is answered, '' where the value is answered itself. `missing` is the
    text, as source, that is said where nothing was found; '' where the function never gives None.
    """

    function: str
    arguments: tuple[str, ...]
    takes_body: bool
    body: tuple[str, ...]
    optional: tuple[str, ...]
    gives_nothing: bool
    key: str
    missing: str
    created: bool

    @property
    def asked(self) -> tuple[str, ...]:
        """The arguments of `_body`, as source."""
        names = [f'"{name}"' for name in self.body]
        listed = "".join(f'"{name}", ' for name in self.optional).strip()
        optional = f"optional=({listed if len(self.optional) == 1 else listed.rstrip(',')})"
        return (*names, *([optional] if self.optional else []))


@dataclass(frozen=True, slots=True)
class Page:
    """A view that renders groups of rows, or the group that the path variable `heading` names."""

    function: str
    searched: bool
    heading: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """The view of a route; `items` are its parameters as source, and without a `link` its body is a gap."""

    name: str
    route: RouteSpec
    items: tuple[str, ...]
    link: Answer | Page | None

    @property
    def answer(self) -> Answer | None:
        """How it answers in JSON, if it does."""
        return self.link if isinstance(self.link, Answer) else None

    @property
    def page(self) -> Page | None:
        """What page it shows, if it does."""
        return self.link if isinstance(self.link, Page) else None

    @property
    def decorator(self) -> str:
        """The method of the blueprint that registers it."""
        return self.route.method.lower()

    @property
    def gap(self) -> Gap:
        """What its body is, where no function is tied to it."""
        signature = f"{self.name}({', '.join(self.items)}) -> ResponseReturnValue"
        return Gap(self.name, GapKind.BODY, self.said, signature)

    @property
    def said(self) -> str:
        """What it does, in a sentence."""
        purpose = self.route.purpose.rstrip(". ")
        return f"{self.route.method} {self.route.path}" + (f": {purpose}." if purpose else ".")


@dataclass(frozen=True, slots=True)
class Routes:
    """The views of a module, and what they need of it."""

    views: tuple[View, ...]

    @property
    def open_views(self) -> bool:
        """Whether the body of one is a gap; it may read the request and its body, as its purpose asks."""
        return any(view.link is None for view in self.views)

    @property
    def read_body(self) -> bool:
        """Whether one calls `_body`."""
        return self.open_views or any(view.answer and view.answer.takes_body for view in self.views)

    @property
    def read_optional(self) -> bool:
        """Whether `_body` is asked for what may be left out."""
        return self.open_views or any(view.answer and view.answer.optional for view in self.views)

    @property
    def read_requests(self) -> bool:
        """Whether one reads the request, by itself or through `_body`."""
        return self.read_body or any(
            (view.page and view.page.searched and not view.page.heading)
            or (view.answer and any("request." in argument for argument in view.answer.arguments))
            for view in self.views
        )

    @property
    def read_switches(self) -> bool:
        """Whether one reads true or false from the query."""
        answers = [view.answer for view in self.views if view.answer]
        return any("type=_switch" in argument for answer in answers for argument in answer.arguments)

    @property
    def show_one_group(self) -> bool:
        """Whether one shows a single group of a page."""
        return any(view.page and view.page.heading for view in self.views)

    @property
    def take_uuids(self) -> bool:
        """Whether a path has a variable that Flask gives as a UUID."""
        return any("uuid." in item for view in self.views for item in view.items)


def routes_of(api: ModuleApi, *, pages: bool) -> Routes:
    """A view for each route of `api`, under names of their own; with `pages`, the module shows some.

    Raises ValueError where a signature or the variable of a path is none, and `UnknownPath`.
    """
    signatures = {function.name: read_signature(function.signature) for function in api.functions}
    thing = kept_thing(api.functions)
    views: dict[str, View] = {}
    for route in api.routes:
        variables = path_variables(route.path)
        function = _named(route, signatures)
        name = f"{function.name}_view" if function else _name_of(route)
        while name in views or name in signatures:
            name = f"one_of_{name}"
        link = _link(route, function, variables, thing, pages=pages) if function else None
        items = tuple(f"{variable}: {kind}" for variable, kind in variables.items())
        views[name] = View(name, route, items, link)
    return Routes(tuple(views.values()))


def path_variables(path: str) -> Mapping[str, str]:
    """The variables of `path` with the types that Flask gives them.

    Raises `UnknownPath` for what Flask cannot have, and ValueError for a variable that is no name in Python.
    """
    found: dict[str, str] = {}
    for match in _VARIABLE.finditer(path):
        name, converter = match["name"], match["converter"] or "default"
        if converter not in _CONVERTED:
            raise UnknownPath(f"the path {path} has the converter {converter}, which Flask does not know")
        if name in found:
            raise UnknownPath(f"the path {path} has the variable {name} twice")
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ValueError(f"the path {path} has the variable {name!r}, which is not a name")
        found[name] = _CONVERTED[converter]
    return found


def kept_thing(functions: Sequence[FunctionSpec]) -> str:
    """What the module keeps, one of it: what `get_thing(thing_id)` gives, else what it makes; else ''."""
    signatures = [read_signature(function.signature) for function in functions]
    for signature in signatures:
        verb, _, rest = signature.name.partition("_")
        if verb in _GIVING and [p.name for p in signature.parameters] == [f"{rest}_id"]:
            return rest
    for signature in signatures:
        verb, _, rest = signature.name.partition("_")
        if verb in _MAKING and rest:
            return rest
    return ""


def _named(route: RouteSpec, signatures: Mapping[str, Signature]) -> Signature | None:
    """The one function that the purpose of `route` names."""
    named = signatures.keys() & set(re.findall(r"\w+", route.purpose))
    return signatures[named.pop()] if len(named) == 1 else None


def _name_of(route: RouteSpec) -> str:
    words = re.findall(r"[A-Za-z0-9]+", _VARIABLE.sub(lambda match: f"by_{match['name']}", route.path))
    return f"{'_'.join([route.method, *words])[:_LONGEST_NAME].lower().rstrip('_')}_view"


def _link(
    route: RouteSpec, function: Signature, variables: Mapping[str, str], thing: str, *, pages: bool
) -> Answer | Page | None:
    if not function.by_name or function.returns.name not in _ANSWERED:
        return None
    if not variables.keys().isdisjoint({*_LOCAL, function.name}):
        return None
    if pages and _is_page(route, function):
        return _page(route, function, variables)
    return _answer(route, function, variables, thing)


def _is_page(route: RouteSpec, function: Signature) -> bool:
    said = set(re.findall(r"\w+", route.purpose.lower()))
    is_said = not said.isdisjoint({"page", "pages"})
    return route.method == "GET" and (is_said or function.name.endswith("_groups"))


def _page(route: RouteSpec, function: Signature, variables: Mapping[str, str]) -> Page | None:
    required = [parameter for parameter in function.parameters if parameter.required]
    searched = bool(function.parameters) and _is_text(function.parameters[0])
    searched = searched and not function.parameters[0].keyword_only
    if function.returns != Type("list", function.returns.item):
        return None
    if not variables and required == list(function.parameters[: int(searched)])[: len(required)]:
        return Page(function.name, searched)
    names = [parameter.name for parameter in function.parameters]
    if list(variables.values()) == ["str"] and not required and not variables.keys() & set(names):
        return Page(function.name, searched, next(iter(variables)))
    return None


def _is_text(parameter: Parameter) -> bool:
    return parameter.type.name in ("str", "")


def _answer(route: RouteSpec, function: Signature, variables: Mapping[str, str], thing: str) -> Answer | None:
    parameters = {parameter.name: parameter for parameter in function.parameters}
    if not variables.keys() <= parameters.keys():
        return None
    from_path = {name: _converted(name, kind, parameters[name].type) for name, kind in variables.items()}
    rest = [parameter for parameter in function.parameters if parameter.name not in variables]
    takes_body = route.method in _WITH_BODY and bool(rest)
    from_query = {} if takes_body else {parameter.name: _asked(parameter) for parameter in rest}
    sources = from_path | from_query
    unread = takes_body and any(parameter.type.name not in _IN_JSON for parameter in rest)
    if None in sources.values() or unread:
        return None
    arguments = list(_arguments(function, {name: said for name, said in sources.items() if said}, variables))
    created = route.method == "POST" and _creates(route, function, variables)
    returns = function.returns
    return Answer(
        function.name,
        (*arguments, *(["**given"] if takes_body else [])),
        takes_body,
        tuple(parameter.name for parameter in rest if takes_body and parameter.required),
        tuple(parameter.name for parameter in rest if takes_body and not parameter.required),
        returns.name == "None",
        _key(function, created=created) if returns.name in _SCALARS else "",
        _missing(thing, variables) if returns.optional else "",
        created,
    )


def _converted(name: str, kind: str, wanted: Type) -> str | None:
    """The source that gives a path variable the type of its parameter; None where nothing does."""
    if wanted.name in (kind, "") or (kind, wanted.name) == ("int", "float"):
        return name
    if wanted.name == "str":
        return f"str({name})"
    return f"{wanted.name}({name})" if kind == "str" and wanted.name in _NUMBERS else None


def _asked(parameter: Parameter) -> str | None:
    """The source that reads a parameter from the query; None where a query cannot hold it."""
    quoted, kind = f'"{parameter.name}"', parameter.type.name
    if kind == "list":
        item = parameter.type.item
        if item not in ("", "str", *_NUMBERS):
            return None
        return f"request.args.getlist({quoted}{f', type={item}' if item in _NUMBERS else ''})"
    if kind not in ("", *_SCALARS):
        return None
    usual = {"str": '""', "int": "0", "float": "0", "bool": "False"}.get(kind, "None")
    default = parameter.default or usual
    given = [quoted, *([default] if default != "None" else [])]
    if kind in _NUMBERS or kind == "bool":
        given.append(f"type={'_switch' if kind == 'bool' else kind}")
    return f"request.args.get({', '.join(given)})"


def _arguments(
    function: Signature, sources: Mapping[str, str], variables: Mapping[str, str]
) -> Iterator[str]:
    """The arguments of a call: those of the path by their places, as long as nothing stands before them."""
    in_place = True
    for parameter in function.parameters:
        source = sources.get(parameter.name)
        in_place = in_place and parameter.name in variables and not parameter.keyword_only
        if source is not None:
            yield source if in_place else f"{parameter.name}={source}"


def _creates(route: RouteSpec, function: Signature, variables: Mapping[str, str]) -> bool:
    """Whether the route makes something: its purpose says the status, else the function's verb does."""
    said = set(re.findall(r"\b2\d\d\b", route.purpose))
    if said:
        return "201" in said
    return not variables and function.name.partition("_")[0] in _MAKING


def _key(function: Signature, *, created: bool) -> str:
    """The key under which a plain value is answered."""
    if created:
        return "id"
    return "content" if function.returns.name == "str" else function.name.partition("_")[0]


def _missing(thing: str, variables: Mapping[str, str]) -> str:
    """The text that is said where there is nothing, as source, with the path variables as fields."""
    what = thing.replace("_", " ") or "entry"
    told = " and ".join(f"{name.replace('_', ' ')} {{{name}}}" for name in variables)
    return f'f"there is no {what} with {told}"' if told else f'"there is no such {what}"'
