"""What a module offers, read from its API: its functions with what each is for, and the thing it keeps."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from agents.api import FunctionSpec, RouteSpec, read_api
from agents.syntax import syntax_tree
from harness.gateway.simulated.vocabulary import MAKING_VERBS, VERBS, Archetype

__all__ = ["Function", "Offer", "Parameter", "read_offer"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function; `default` is source text, None where the parameter must be given."""

    name: str
    annotation: str
    default: str | None = None

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is None

    @property
    def plain_type(self) -> str:
        """Its type where it is given: `int` of `int | None`."""
        return self.annotation.removesuffix(" | None")

    def __str__(self) -> str:
        return f"{self.name}: {self.annotation}" + ("" if self.default is None else f" = {self.default}")


@dataclass(frozen=True, slots=True)
class Function:
    """A function of an API; `archetype` is what it does to the things its module keeps."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    purpose: str
    archetype: Archetype = Archetype.OTHER

    @property
    def signature(self) -> str:
        """The function as an API writes it."""
        listed: list[str] = []
        for before, parameter in zip([None, *self.parameters], self.parameters, strict=False):
            if before and not before.required and parameter.required:
                listed.append("*")
            listed.append(str(parameter))
        return f"{self.name}({', '.join(listed)}) -> {self.returns}"

    @property
    def verb(self) -> str:
        """The first word of its name."""
        return self.name.partition("_")[0]

    @property
    def rest(self) -> str:
        """Its name without the verb."""
        return self.name.partition("_")[2]

    @property
    def required(self) -> tuple[Parameter, ...]:
        """The parameters that a call must give."""
        return tuple(parameter for parameter in self.parameters if parameter.required)

    @property
    def optional(self) -> tuple[Parameter, ...]:
        """The parameters that a call may leave out."""
        return tuple(parameter for parameter in self.parameters if not parameter.required)


@dataclass(frozen=True)
class Offer:
    """The API of the module `name`, imported as `stem`.

    `entity` is the thing it keeps, in the singular; '' where it keeps nothing.
    """

    name: str
    stem: str
    entity: str
    functions: tuple[Function, ...]
    routes: tuple[RouteSpec, ...]
    notes: str

    @property
    def id_name(self) -> str:
        """The parameter by which one thing is named."""
        return f"{self.entity}_id"

    def first(self, archetype: Archetype) -> Function | None:
        """The first function of that kind."""
        return next((f for f in self.functions if f.archetype is archetype), None)

    @cached_property
    def getter(self) -> Function | None:
        """The function that gives one thing by its id."""
        return self.first(Archetype.GET)

    @cached_property
    def creator(self) -> Function | None:
        """The function that makes a thing."""
        return self.first(Archetype.CREATE)

    @cached_property
    def lister(self) -> Function | None:
        """The function that lists all things and needs no arguments."""
        listing = (f for f in self.functions if f.archetype is Archetype.LIST and not f.required)
        return next(listing, None)

    @cached_property
    def fields(self) -> tuple[Parameter, ...]:
        """What a thing is made with."""
        return self.creator.parameters if self.creator else ()


def read_offer(name: str, stem: str, data: Mapping[str, object]) -> Offer:
    """The offer of a module, from its API as a prompt shows it; raises `UnusableAnswer` where it is none."""
    api = read_api(data)
    plain = [_function(spec) for spec in api.functions]
    entity = _entity(plain)
    functions = tuple(replace(function, archetype=_archetype(function, entity)) for function in plain)
    return Offer(name, stem, entity, functions, api.routes, api.notes)


def _function(spec: FunctionSpec) -> Function:
    definition = syntax_tree(f"def {spec.signature}: ...").body[0]
    assert isinstance(definition, ast.FunctionDef)  # noqa: S101 - read_api has made sure of it
    arguments = definition.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += [*arguments.defaults, *arguments.kw_defaults]
    parameters = tuple(
        Parameter(
            argument.arg,
            ast.unparse(argument.annotation) if argument.annotation else "Any",
            _source(default) if default else None,
        )
        for argument, default in zip([*positional, *arguments.kwonlyargs], defaults, strict=True)
    )
    returns = ast.unparse(definition.returns) if definition.returns else "Any"
    return Function(definition.name, parameters, returns, spec.purpose)


def _source(default: ast.expr) -> str:
    """A default value as source text, with the double quotes that formatters want."""
    text = ast.unparse(default)
    is_plain = isinstance(default, ast.Constant) and isinstance(default.value, str) and '"' not in text
    return f'"{text[1:-1]}"' if is_plain else text


def _entity(functions: list[Function]) -> str:
    """The thing that `get_thing(thing_id)` gives; failing that, what something is made of."""
    for function in functions:
        if [p.name for p in function.parameters] == [f"{function.rest}_id"] and _asked(function) is _GET:
            return function.rest
    for function in functions:
        if _asked(function) is Archetype.CREATE and function.rest:
            return function.rest
    return ""


def _asked(function: Function) -> Archetype:
    return VERBS.get(function.verb, Archetype.CHANGE_STATE)


_GET = Archetype.GET
_ON_ONE_THING = frozenset({_GET, Archetype.REMOVE, Archetype.TRACK, Archetype.VOTE})
_ON_A_NUMBER = frozenset({Archetype.TAKE, Archetype.REFILL})
_ON_ALL_THINGS = frozenset(
    {
        Archetype.LIST,
        Archetype.RANK,
        Archetype.COUNT,
        Archetype.TOTAL,
        Archetype.SUMMARY,
        Archetype.CONVERT,
        Archetype.OVERVIEW,
        Archetype.HEALTH,
    }
)


def _archetype(function: Function, entity: str) -> Archetype:
    asked = _asked(function)
    required = [parameter.name for parameter in function.required]
    if entity and required[:1] == [f"{entity}_id"]:
        if len(function.parameters) > 1:
            return asked if asked in _ON_A_NUMBER else Archetype.UPDATE
        return asked if asked in _ON_ONE_THING else Archetype.CHANGE_STATE
    if not entity and function.name.endswith("_groups"):
        return Archetype.GROUPS
    if asked in (Archetype.FIND, Archetype.SEARCH):
        return Archetype.SEARCH if "text" in required else Archetype.FIND
    if asked in _ON_ALL_THINGS or (asked is Archetype.EXPORT and function.returns == "str"):
        return asked
    makes = asked is Archetype.CREATE or function.verb in MAKING_VERBS or "dict" in function.returns
    return Archetype.CREATE if entity and function.parameters and makes else Archetype.OTHER
