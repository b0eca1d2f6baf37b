"""Links: how a module uses what it requires when it makes something.

The architect chooses them from the descriptions; the developer reads them back from the signatures.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.offer import Function, Offer
from harness.gateway.simulated.vocabulary import FUNCTION_WORDS, GATHERINGS, JOURNALS, VERBS
from harness.gateway.simulated.words import singular, words

__all__ = ["Link", "LinkKind", "designed_links", "is_mentioned", "read_links"]


class LinkKind(StrEnum):
    """What is asked of a required module."""

    ONE = "one"
    """The thing with this id, which must be there."""
    ALL_OF = "all_of"
    """Everything that belongs to the owner with this id: the items of an account."""
    EVERYTHING = "everything"
    """Everything it keeps."""
    JOURNAL = "journal"
    """To note what was done."""


@dataclass(frozen=True, slots=True)
class Link:
    """One use of a function of a required module; `parameter` is the own one that is passed on, if any."""

    kind: LinkKind
    offer: Offer
    function: Function
    parameter: str = ""


def designed_links(assignment: Assignment, entity: str) -> tuple[Link, ...]:
    """The links that a thing called `entity` is to have."""
    links: list[Link] = []
    taken = {f"{entity}_id"}
    for offer in assignment.required:
        link = _designed(assignment, entity, offer, taken)
        if link is not None:
            taken.add(link.parameter)
            links.append(link)
    return tuple(links)


def _designed(assignment: Assignment, entity: str, offer: Offer, taken: set[str]) -> Link | None:
    if (noting := _noting(offer)) is not None:
        return Link(LinkKind.JOURNAL, offer, noting)
    if entity in GATHERINGS:
        return Link(LinkKind.EVERYTHING, offer, offer.lister) if offer.lister else None
    if offer.lister and is_mentioned(offer, {assignment.description.origin}):
        owners = [name for name in _owners(offer.lister) if name not in taken]
        if owners:
            return Link(LinkKind.ALL_OF, offer, offer.lister, owners[0])
    if offer.getter is None or not _is_reachable(offer, has_pages=assignment.has_pages):
        return None
    wanted = offer.getter.parameters[0].name
    parameter = wanted if wanted not in taken else f"{offer.stem}_{wanted}"
    return Link(LinkKind.ONE, offer, offer.getter, parameter) if parameter not in taken else None


def read_links(assignment: Assignment) -> tuple[Link, ...]:
    """The links that the parameters of the function that makes things stand for."""
    links: list[Link] = []
    free = [parameter.name for parameter in assignment.api.fields]
    for offer in assignment.required:
        link = _read(assignment, offer, free)
        if link is not None:
            free = [name for name in free if name != link.parameter]
            links.append(link)
    return tuple(links)


def _read(assignment: Assignment, offer: Offer, free: list[str]) -> Link | None:
    if (noting := _noting(offer)) is not None:
        return Link(LinkKind.JOURNAL, offer, noting)
    if offer.getter and _is_reachable(offer, has_pages=assignment.has_pages):
        wanted = offer.getter.parameters[0].name
        for name in (wanted, f"{offer.stem}_{wanted}"):
            if name in free:
                return Link(LinkKind.ONE, offer, offer.getter, name)
    if offer.lister is None:
        return None
    for name in _owners(offer.lister):
        if name in free:
            return Link(LinkKind.ALL_OF, offer, offer.lister, name)
    gathers = assignment.api.entity in GATHERINGS
    return Link(LinkKind.EVERYTHING, offer, offer.lister) if gathers else None


def _is_reachable(offer: Offer, *, has_pages: bool) -> bool:
    """Whether people can make what it keeps: in a web application, nobody could without routes."""
    return bool(offer.routes) or not has_pages


def is_mentioned(offer: Offer, said: Set[str]) -> bool:
    """Whether one of the words `said` is about what `offer` keeps."""
    purpose = offer.creator.purpose if offer.creator else ""
    own = {singular(word) for word in words(f"{offer.stem.replace('_', ' ')} {offer.entity} {purpose}")}
    return bool((own - FUNCTION_WORDS - set(VERBS)) & said)


def _noting(offer: Offer) -> Function | None:
    """The function by which `offer` keeps track of what the others do, if that is what it is for."""
    creator = offer.creator
    if creator is None or creator.verb not in JOURNALS:
        return None
    is_told_in_words = all(parameter.annotation == "str" for parameter in creator.required)
    return creator if is_told_in_words else None


def _owners(lister: Function) -> list[str]:
    """The ids by which a list can be narrowed."""
    return [parameter.name for parameter in lister.optional if parameter.name.endswith("_id")]
