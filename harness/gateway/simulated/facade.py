"""The design of modules that keep nothing themselves: interfaces, searches and converters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.formats import mentioned_formats
from harness.gateway.simulated.offer import Function, Offer, Parameter
from harness.gateway.simulated.vocabulary import FACADES, VERBS, Archetype
from harness.gateway.simulated.words import enumeration, folded, plural, singular, spoken

__all__ = ["designed_facade", "is_facade"]

_TEXT = Parameter("text", "str")
_LIMIT = Parameter("limit", "int", "20")


def is_facade(assignment: Assignment) -> bool:
    """Whether the module keeps nothing."""
    if _conversion(assignment):
        return True
    speaks_for_others = assignment.description.entity in FACADES
    return speaks_for_others and any(offer.lister for offer in assignment.required)


def designed_facade(assignment: Assignment) -> tuple[Function, ...]:
    """The functions of a module that keeps nothing."""
    conversion = _conversion(assignment)
    found = list(_converting(*conversion) if conversion else _speaking(assignment))
    return tuple({function.name: function for function in found}.values())


def _conversion(assignment: Assignment) -> tuple[str, str] | None:
    """The formats from and to which the module converts, if it does."""
    if not any(VERBS.get(action.verb) is Archetype.CONVERT for action in assignment.description.actions):
        return None
    formats = mentioned_formats(assignment.module.description)
    return (formats[0], formats[1]) if len(formats) > 1 else None


def _converting(source: str, target: str) -> Iterator[Function]:
    for one, other in ((source, target), (target, source)):
        purpose = f"Convert a text in {one.upper()} to {other.upper()}."
        yield Function(f"convert_{one}_to_{other}", (_TEXT,), "str", purpose, Archetype.CONVERT)


def _speaking(assignment: Assignment) -> Iterator[Function]:
    offers = [offer for offer in assignment.required if offer.lister and offer.entity]
    about = _about(assignment, offers)
    shown = enumeration([spoken(plural(offer.entity)) for offer in about]) or "everything"
    many = plural(about[0].entity) if len(about) == 1 else "all"
    asked = [VERBS.get(action.verb, Archetype.OTHER) for action in assignment.description.actions]
    kinds = [kind for kind in dict.fromkeys(asked) if kind in _DESIGNS] or [
        Archetype.OVERVIEW,
        Archetype.SEARCH,
    ]
    for kind in kinds:
        name, parameters, returns, purpose = _DESIGNS[kind]
        yield Function(name.format(many=many), parameters, returns, purpose.format(shown=shown), kind)
        if kind is Archetype.SEARCH and len(about) == 1:
            yield from _searches_by_link(assignment, about[0], offers)


_DESIGNS = {
    Archetype.HEALTH: ("health", (), "dict", "Say that the application is there."),
    Archetype.OVERVIEW: ("overview", (), "dict", "Count the {shown}."),
    Archetype.SEARCH: (
        "search_{many}",
        (_TEXT, _LIMIT),
        "list",
        "List the {shown} that hold the text, at most the limit.",
    ),
    Archetype.RANK: (
        "rank_{many}",
        (_TEXT, _LIMIT),
        "list",
        "List the {shown} that hold the text, those that hold it most often first.",
    ),
    Archetype.LIST: ("list_{many}", (), "list", "List the {shown}."),
    Archetype.COUNT: ("count_{many}", (), "int", "Count the {shown}."),
    Archetype.EXPORT: ("export_{many}", (), "str", "Give the {shown} as Markdown."),
}


def _about(assignment: Assignment, offers: list[Offer]) -> list[Offer]:
    """Those that the description names; all where it names none."""
    subject = [offer for offer in offers if offer.entity in assignment.description.subjects]
    named = [offer for offer in offers if offer.entity in assignment.description.mentioned]
    return subject or named or offers


def _searches_by_link(assignment: Assignment, about: Offer, offers: list[Offer]) -> Iterator[Function]:
    """Searches `by tag`, where tags are what another required module keeps."""
    keys = {singular(word) for word in re.findall(r"\bby ([a-z]+)", folded(assignment.module.description))}
    many = spoken(plural(about.entity))
    for offer in offers:
        if offer is not about and offer.entity in keys and offer.getter:
            yield Function(
                f"search_{plural(about.entity)}_by_{offer.entity}",
                (offer.getter.parameters[0], _LIMIT),
                "list",
                f"List the {many} that hold what the {spoken(offer.entity)} is called.",
                Archetype.FIND,
            )
