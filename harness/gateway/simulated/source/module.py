"""A whole module, put together from its functions, its views and what both need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.formats import FORMATS
from harness.gateway.simulated.offer import Function
from harness.gateway.simulated.source.checks import checks_for
from harness.gateway.simulated.source.doing import body_of
from harness.gateway.simulated.source.layout import calls, definition, file_of
from harness.gateway.simulated.source.making import made
from harness.gateway.simulated.source.manner import Manner
from harness.gateway.simulated.source.speaking import spoken_body_of
from harness.gateway.simulated.source.views import views_for
from harness.gateway.simulated.source.writing import Writing
from harness.gateway.simulated.vocabulary import Archetype
from harness.gateway.simulated.words import quoted, spoken

__all__ = ["module_source"]


def module_source(assignment: Assignment, manner: Manner, mark: str) -> str:
    """The source of the module of `assignment`."""
    writing = Writing(assignment, manner)
    functions = [_definition(writing, function) for function in writing.own.functions]
    views = list(views_for(writing))
    needed = list(_needed(writing, "\n".join([*functions, *views])))
    parts = [*functions, *needed, *views]
    code = "\n".join(parts)
    said = f"{assignment.module.name}: {assignment.module.description or 'a module of the application'}"
    return file_of(mark, said, list(_imports(writing, code)), "\n".join(_state(writing, code)), parts)


def _definition(writing: Writing, function: Function) -> str:
    if function.archetype is Archetype.CREATE:
        return made(writing, function)
    body = body_of(writing, function) if writing.keeps_things else spoken_body_of(writing, function)
    return definition(function.signature, function.purpose or f"{function.name}.", body)


def _imports(writing: Writing, code: str) -> Iterator[str]:
    for stem, alias in sorted(writing.aliases.items()):
        if re.search(rf"\b{alias}\.\w", code):
            yield f"import {stem}" if stem == alias else f"import {stem} as {alias}"


def _state(writing: Writing, code: str) -> Iterator[str]:
    if writing.own.routes:
        yield f"blueprint = Blueprint({quoted(writing.module.stem)}, __name__)\n"
    if writing.keeps_things:
        yield "_lock = threading.Lock()"
        yield f"{writing.store}: dict[int, dict[str, Any]] = {{}}"
        if "next(_ids)" in code:
            yield "_ids = itertools.count(1)"
    if writing.manner.rendered:
        for offer in writing.required:
            for function in offer.functions:
                if calls(code, f"_{offer.stem}_{function.name}"):
                    yield f"{writing.named(offer, function)} = {offer.stem}.{function.name}"
    if calls(code, "_advance"):
        yield "\n# The states that a thing may have before each new one."
        yield "_BEFORE = {"
        for status, before in writing.states_before.items():
            listed = ", ".join(quoted(one) for one in before)
            yield f"    {quoted(status)}: ({listed}{',' if len(before) == 1 else ''}),"
        yield "}"


def _needed(writing: Writing, code: str) -> Iterator[str]:
    """The private functions that the code calls."""
    store, thing = writing.store, spoken(writing.own.entity)
    if calls(code, "_all"):
        listed = f"return [{writing.copied('row')} for row in {store}.values()]"
        yield definition("_all() -> list[dict[str, Any]]", "All rows.", ["with _lock:", f"    {listed}"])
    if calls(code, "_advance"):
        yield _advance(writing)
    if calls(code, "_known") or calls(code, "_advance"):
        body = [
            f"if not isinstance(key, int) or key not in {store}:",
            f'    raise LookupError(f"there is no {thing} {{key}}")',
            f"return {store}[key]",
        ]
        yield definition("_known(key: int) -> dict[str, Any]", f"The {thing} with this id.", body)
    if calls(code, "_holds"):
        yield _holds(writing)
    if calls(code, "_hits"):
        yield _HITS
    if calls(code, "_shown"):
        yield _SHOWN
    yield from checks_for(code, writing.manner)
    for name, form in FORMATS.items():
        if calls(code, f"_from_{name}"):
            yield form.reader
        if calls(code, f"_as_{name}"):
            yield form.writer


def _advance(writing: Writing) -> str:
    thing = spoken(writing.own.entity)
    body = [
        "with _lock:",
        "    row = _known(key)",
        '    present = row["status"]',
        "    if present not in _BEFORE[status]:",
        f'        raise ValueError(f"{thing} {{key}} is {{present}}, not to be {{status}}")',
        '    row["status"] = status',
        *(['    row["history"].append(status)'] if writing.has_history else []),
        f"    return {writing.copied('row')}",
    ]
    said = f"Give the {thing} a new status, if its present one allows it."
    return definition("_advance(key: int, status: str) -> dict[str, Any]", said, body)


def _holds(writing: Writing) -> str:
    """The function that tells whether a row holds a text."""
    where = "one of the texts" if writing.texts else "a value"
    return definition(
        "_holds(row: dict[str, Any], wanted: str) -> bool",
        f"Whether {where} of the row holds what is wanted.",
        [f"return {writing.holding}"],
    )


_HITS = '''\
def _hits(row: dict[str, Any], wanted: str) -> int:
    """How often the values of the row hold what is wanted."""
    return sum(str(value).lower().count(wanted) for value in row.values())
'''

_SHOWN = '''\
def _shown(rows: list[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    """The rows that hold what is wanted, with what fits into the cell of a table."""
    plain = [
        {key: value for key, value in row.items() if not isinstance(value, list | dict)}
        for row in rows
    ]
    return [row for row in plain if any(wanted in str(v).lower() for v in row.values())]
'''
