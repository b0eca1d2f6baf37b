"""The functions of a module that keeps nothing: it speaks for what it requires, or changes a text."""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.gateway.simulated.offer import Function, Offer
from harness.gateway.simulated.source.doing import body_of, gathered, holds, limit_of
from harness.gateway.simulated.source.layout import all_of, comprehension, mapping
from harness.gateway.simulated.source.writing import Writing
from harness.gateway.simulated.vocabulary import Archetype
from harness.gateway.simulated.words import plural, quoted, spoken

__all__ = ["spoken_body_of"]

_CONVERSION = re.compile(r"convert_(?P<source>[a-z]+)_to_(?P<target>[a-z]+)")


def spoken_body_of(writing: Writing, function: Function) -> list[str]:
    """The statements of `function`."""
    match function.archetype:
        case Archetype.HEALTH:
            names = ", ".join(quoted(offer.name) for offer in writing.required)
            told = [("status", '"ok"'), ("modules", f"[{names}]")]
            return mapping("return", told, compact=writing.manner.rendered).split("\n")
        case Archetype.OVERVIEW | Archetype.SUMMARY:
            return _counted(writing)
        case Archetype.LIST:
            return _with_rows(writing, lambda rows: [f"return {rows}"])
        case Archetype.COUNT:
            return _with_rows(writing, lambda rows: [f"return len({rows})"])
        case Archetype.SEARCH:
            return _searched(writing, function)
        case Archetype.FIND:
            return _found_by_link(writing, function)
        case Archetype.RANK:
            return _ranked(writing, function)
        case Archetype.EXPORT:
            return _with_rows(writing, lambda rows: [f"return _as_markdown({rows})"])
        case Archetype.CONVERT if (match := _CONVERSION.fullmatch(function.name)) is not None:
            return [f"return _as_{match['target']}(_from_{match['source']}({function.parameters[0].name}))"]
        case Archetype.GROUPS:
            return _grouped(writing)
    return body_of(writing, function)


def _with_rows(writing: Writing, use: Callable[[str], list[str]]) -> list[str]:
    """The statements that `use` everything there is, put together first where several modules keep it."""
    if len(writing.listings) < 2:
        return use(writing.everything)
    return [*all_of("rows", [listing for _, listing in writing.listings]), *use("rows")]


def _counted(writing: Writing) -> list[str]:
    counts = {many: f"len({listing})" for many, listing in writing.listings}
    return mapping("return", counts.items(), compact=writing.manner.rendered).split("\n")


def _searched(writing: Writing, function: Function) -> list[str]:
    check, limit = limit_of(writing, function)
    found = _with_rows(writing, lambda rows: gathered(writing, rows, holds(writing)))
    return [*check, "wanted = text.strip().lower()", *found, f"return found{limit}"]


def _ranked(writing: Writing, function: Function) -> list[str]:
    check, limit = limit_of(writing, function)
    if writing.manner.rendered:
        return [*check, "wanted = text.strip().lower()", *_ranked_inside(writing, limit)]
    return [
        *check,
        "wanted = text.strip().lower()",
        *_with_rows(writing, lambda rows: [f"scored = [(_hits(row, wanted), row) for row in {rows}]"]),
        "scored.sort(key=lambda pair: pair[0], reverse=True)",
        f"return [row for hits, row in scored if hits]{limit}",
    ]


def _ranked_inside(writing: Writing, limit: str) -> list[str]:
    """The ranking where its measure, which no other function needs, stands in the gap as well."""
    return [
        "",
        "def hits(row: dict) -> int:",
        "    return sum(str(value).lower().count(wanted) for value in row.values())",
        "",
        *_with_rows(writing, lambda rows: comprehension("found", "row", f"row in {rows}", "hits(row)", 4)),
        f"return sorted(found, key=hits, reverse=True){limit}",
    ]


def _found_by_link(writing: Writing, function: Function) -> list[str]:
    """Those that hold what another thing is called."""
    search = writing.own.first(Archetype.SEARCH)
    key = function.parameters[0].name
    offer = next((o for o in writing.required if o.getter and o.getter.parameters[0].name == key), None)
    if offer is None or offer.getter is None or search is None:
        return body_of(writing, function)
    called = next((field.name for field in offer.fields if field.annotation == "str"), "id")
    limited = any(parameter.name == "limit" for parameter in (*function.parameters, *search.parameters))
    entity = f"{offer.entity}_row"
    return [
        f"{entity} = {writing.calling(offer, offer.getter, key)}",
        f'return {search.name}(str({entity}["{called}"]){", limit" if limited else ""})',
    ]


def _grouped(writing: Writing) -> list[str]:
    groups = [group for offer in writing.required for group in [_group(writing, offer)] if group]
    if not groups:
        return ["return []"]
    listed = [f'    {{"heading": {heading}, "rows": {rows}}},' for heading, rows in groups]
    return [
        "wanted = text.strip().lower()",
        "groups = [",
        *listed,
        "]",
        "return [{**group, " + '"rows": _shown(group["rows"], wanted)} for group in groups]',
    ]


def _group(writing: Writing, offer: Offer) -> tuple[str, str] | None:
    if offer.lister:
        heading = spoken(plural(offer.entity or offer.stem)).capitalize()
        return quoted(heading), writing.calling(offer, offer.lister)
    overview = offer.first(Archetype.OVERVIEW)
    if overview and not overview.required:
        return quoted(f"{spoken(offer.stem).capitalize()} overview"), f"[{writing.calling(offer, overview)}]"
    return None
