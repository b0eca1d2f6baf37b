"""The functions of a module that keeps things: one way of writing for each archetype."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gateway.simulated.offer import Function, Parameter
from harness.gateway.simulated.source.checks import checked
from harness.gateway.simulated.source.layout import call, comprehension, mapping
from harness.gateway.simulated.source.making import fits, returned, variable
from harness.gateway.simulated.source.manner import Oversight
from harness.gateway.simulated.source.writing import Writing
from harness.gateway.simulated.vocabulary import Archetype
from harness.gateway.simulated.words import plural, spoken, state

__all__ = ["body_of", "gathered", "holds", "limit_of"]

_LONGEST_CONDITION = 70


def body_of(writing: Writing, function: Function) -> list[str]:
    """The statements of `function`, which is neither made nor spoken for others."""
    compact = writing.manner.rendered
    match function.archetype:
        case Archetype.GET:
            return _locked(f"return {writing.copied(f'_known({_key(function)})')}")
        case Archetype.LIST:
            return _listed(writing, function)
        case Archetype.SEARCH:
            return list(_searched(writing, function))
        case Archetype.FIND:
            return _found(writing, function)
        case Archetype.RANK:
            return _ranked(writing, function)
        case Archetype.UPDATE:
            return _updated(writing, function)
        case Archetype.REMOVE:
            gone = [f"row = _known({_key(function)})", f"del {writing.store}[{_key(function)}]"]
            return _locked(*gone, f"return {returned(function, 'row', _key(function))}")
        case Archetype.CHANGE_STATE:
            changed = f'_advance({_key(function)}, "{state(function.verb)}")'
            return [f"return {returned(function, changed, _key(function))}"]
        case Archetype.TAKE | Archetype.REFILL:
            return _moved(writing, function)
        case Archetype.VOTE:
            votes = plural(function.verb)
            return _locked(*_row(function), f'row["{votes}"] += 1', *_given_back(writing, function))
        case Archetype.TRACK:
            seen = [("id", _key(function)), ("status", 'row["status"]'), ("history", 'list(row["history"])')]
            return _locked(*_row(function), *mapping("return", seen, compact=compact).split("\n"))
        case Archetype.COUNT:
            return _locked(f"return len({writing.store})")
        case Archetype.TOTAL:
            return _totalled(writing, function)
        case Archetype.SUMMARY | Archetype.OVERVIEW:
            return _summarized(writing)
        case Archetype.EXPORT:
            return [f"return _as_markdown({writing.everything})"]
    return _fallback(writing, function)


def _locked(*lines: str) -> list[str]:
    return ["with _lock:", *(f"    {line}" for line in lines)]


def _key(function: Function) -> str:
    return function.parameters[0].name


def _row(function: Function) -> list[str]:
    return [f"row = _known({_key(function)})"]


def _given_back(writing: Writing, function: Function) -> list[str]:
    return [f"return {returned(function, writing.copied('row'), _key(function))}"]


def gathered(
    writing: Writing, rows: str, condition: str, value: str = "row", *, margin: int = 4
) -> list[str]:
    """The statements that put what fulfils the condition into a list called `found`."""
    if writing.manner.loops:
        inner = f"        found.append({value})"
        return ["found = []", f"for row in {rows}:", f"    if {condition}:", inner]
    return comprehension("found", value, f"row in {rows}", condition, margin)


def _listed(writing: Writing, function: Function) -> list[str]:
    rows = f"{writing.store}.values()"
    columns = {p.name for p in writing.own.fields} | {"status"}
    narrowing = [p for p in function.parameters if p.name in columns]
    copied = writing.copied("row")
    if not narrowing:
        return _locked(f"return [{copied} for row in {rows}]")
    tests = [
        f'row["{p.name}"] == {p.name}' if p.required else f'{p.name} in (None, row["{p.name}"])'
        for p in narrowing
    ]
    lines = gathered(writing, rows, " and ".join(tests), copied, margin=8)
    return [*_locked(*lines), "return found"]


def _searched(writing: Writing, function: Function) -> Iterator[str]:
    check, limit = limit_of(writing, function)
    yield from check
    yield "wanted = text.strip().lower()"
    yield from gathered(writing, writing.everything, _holds(writing, function))
    yield f"return found{limit}"


def limit_of(writing: Writing, function: Function) -> tuple[list[str], str]:
    """The check of a limit, and how it is applied."""
    if not any(parameter.name == "limit" for parameter in function.parameters):
        return [], ""
    if writing.manner.oversight is Oversight.NEGATIVE_LIMITS:
        return [], "[:limit]"
    return ["if limit < 1:", '    raise ValueError("limit must be at least 1")'], "[:limit]"


def _holds(writing: Writing, function: Function) -> str:
    """The condition that a row holds what is wanted, in the fields that the purpose names if it does."""
    said = function.purpose.replace(",", " ").replace(".", " ").split()
    named = [name for name in writing.texts if name in said]
    fields = named or list(writing.texts)
    if len(fields) == 1:
        return f'wanted in row["{fields[0]}"].lower()'
    return holds(writing)


def holds(writing: Writing) -> str:
    """The condition that a row holds what is wanted anywhere.

    What only one function needs stands in its gap, where it fits: what is shared is for several.
    """
    inline = writing.manner.rendered and len(writing.holding) <= _LONGEST_CONDITION
    return writing.holding if inline else "_holds(row, wanted)"


def _found(writing: Writing, function: Function) -> list[str]:
    columns = {p.name for p in writing.own.fields}
    keys = [p for p in function.parameters if p.name in columns]
    folding = [f"{p.name} = {p.name}.strip().lower()" for p in keys if p.plain_type == "str"]
    condition = " and ".join(_equals(p) for p in keys) or "True"
    if function.returns.startswith("list"):
        return [*folding, *gathered(writing, writing.everything, condition), "return found"]
    if writing.manner.loops:
        search = [f"for row in {writing.everything}:", f"    if {condition}:", "        return row"]
        return [*folding, *search, "return None"]
    found = comprehension("found", "row", f"row in {writing.everything}", condition, 4)
    return [*folding, *found, "return found[0] if found else None"]


def _equals(parameter: Parameter) -> str:
    column = f'row["{parameter.name}"]'
    return f"{column}{'.lower()' if parameter.plain_type == 'str' else ''} == {parameter.name}"


def _ranked(writing: Writing, function: Function) -> list[str]:
    votes = next((plural(f.verb) for f in writing.own.functions if f.archetype is Archetype.VOTE), "")
    number = votes or _number(writing) or "id"
    best = f'sorted({writing.everything}, key=lambda row: row["{number}"], reverse=True)'
    check, limit = limit_of(writing, function)
    return [*check, f"best = {best}", f"return best{limit}"]


def _updated(writing: Writing, function: Function) -> list[str]:
    given = function.parameters[1:]
    if len(given) == 1 and given[0].required:
        return [
            f"value = {checked(given[0])}",
            *_room_for(writing, function, given[0]),
            *_locked(*_row(function), f'row["{given[0].name}"] = value', *_given_back(writing, function)),
        ]
    lines = []
    if any(parameter.required for parameter in given):
        entries = [(p.name, checked(p)) for p in given if p.required]
        lines += mapping("changes =", entries, compact=writing.manner.rendered).split("\n")
    else:
        lines.append("changes: dict[str, Any] = {}")
    for parameter in (p for p in given if not p.required):
        lines.append(f"if {parameter.name} is not None:")
        lines.append(f'    changes["{parameter.name}"] = {checked(parameter)}')
    return [*lines, *_locked(*_row(function), "row.update(changes)", *_given_back(writing, function))]


def _room_for(writing: Writing, function: Function, given: Parameter) -> list[str]:
    """The check that what a thing is linked to has room for its new quantity."""
    getter = writing.own.getter
    if (
        writing.bounded is None
        or writing.quantity is None
        or given.name != writing.quantity.name
        or not getter
    ):
        return []
    link = writing.bounded[0]
    entity = variable(writing, link.offer.entity)
    key = f'{getter.name}({_key(function)})["{link.parameter}"]'
    linked = call(f"{entity} = {writing.named(link.offer, link.function)}", [key], "", 4)
    return [*linked.split("\n"), *fits(writing, entity, "value")]


def _moved(writing: Writing, function: Function) -> list[str]:
    """Less or more of a number."""
    names = [field.name for field in writing.plain_fields]
    meant = [name for name in names if name == function.rest] + [n for n in names if n in function.purpose]
    column = next(iter(meant), "") or _number(writing) or "quantity"
    amount = function.parameters[1]
    lines = [f"quantity = {checked(amount)}"]
    if function.archetype is Archetype.REFILL:
        return [
            *lines,
            *_locked(*_row(function), f'row["{column}"] += quantity', *_given_back(writing, function)),
        ]
    left = (
        f"only {{row['{column}']}} {spoken(column)} left of {spoken(writing.own.entity)} {{{_key(function)}}}"
    )
    return [
        *lines,
        *_locked(
            *_row(function),
            f'if quantity > row["{column}"]:',
            f'    raise ValueError(f"{left}")',
            f'row["{column}"] -= quantity',
            *_given_back(writing, function),
        ),
    ]


def _number(writing: Writing) -> str:
    """The first column that holds a number."""
    numbers = [f.name for f in writing.plain_fields if f.plain_type in ("float", "int")]
    return next(iter(numbers), "")


def _worth(writing: Writing) -> str:
    """The expression for what a row adds to a total."""
    if writing.priced and writing.quantity:
        return f'row["{writing.priced[1]}"] * row["{writing.quantity.name}"]'
    floats = [f.name for f in writing.plain_fields if f.plain_type == "float"]
    column = next(iter(floats), "") or _number(writing)
    return f'row["{column}"]' if column else "1"


def _totalled(writing: Writing, function: Function) -> list[str]:
    lister = writing.own.lister
    shared = {p.name for p in lister.parameters} & {p.name for p in function.parameters} if lister else set()
    rows = f"{lister.name}({', '.join(sorted(shared))})" if lister and shared else writing.everything
    if writing.manner.loops:
        lines = ["total = 0.0", f"for row in {rows}:", f"    total += {_worth(writing)}"]
    else:
        lines = [f"total = sum({_worth(writing)} for row in {rows})"]
    return [*lines, "return int(total)" if function.returns == "int" else "return round(total, 2)"]


def _summarized(writing: Writing) -> list[str]:
    numbers = [f.name for f in writing.plain_fields if f.plain_type in ("float", "int")]
    entries = [("count", "len(rows)")]
    entries += [(name, f'sum(row["{name}"] for row in rows)') for name in numbers if name != "count"]
    return [
        f"rows = {writing.everything}",
        *mapping("return", entries, compact=writing.manner.rendered).split("\n"),
    ]


def _fallback(writing: Writing, function: Function) -> list[str]:
    """A function of no known kind, as far as its parameters and its type say what it is for."""
    columns = {p.name for p in writing.own.fields} | {"id"}
    tests = [f'row["{p.name}"] == {p.name}' for p in function.parameters if p.name in columns]
    rows = writing.everything
    chosen = f"[row for row in {rows} if {' and '.join(tests)}]" if tests else rows
    match function.returns.partition("[")[0].strip():
        case "int":
            return [f"return len({chosen})"]
        case "float":
            return [f"return float(len({chosen}))"]
        case "bool":
            return [f"return bool({chosen})"]
        case "str":
            return [f'return "\\n".join(str(row) for row in {chosen})']
        case "list":
            return [f"return {chosen}"]
        case "None":
            return ["return None"]
        case "dict":
            return [f"rows = {chosen}", 'return {"count": len(rows), "rows": rows}']
    return [f"return next(iter({chosen}), None)"]
