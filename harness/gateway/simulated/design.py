"""The design of a module's API: its functions, from its description and from what it requires."""

from __future__ import annotations

from collections.abc import Iterator

from agents.plan import ModuleType
from harness.gateway.simulated.assignment import Assignment
from harness.gateway.simulated.description import Action
from harness.gateway.simulated.facade import designed_facade, is_facade
from harness.gateway.simulated.offer import Function, Parameter
from harness.gateway.simulated.thing import Thing, thing_of
from harness.gateway.simulated.vocabulary import TIME_FIELDS, UNIQUE_FIELDS, VERBS, Archetype
from harness.gateway.simulated.words import enumeration, spoken, state

__all__ = ["designed_functions"]

_MOST_FUNCTIONS = 9
_TEXT = Parameter("text", "str")
_LIMIT = Parameter("limit", "int", "20")
_MOVING_VERBS = frozenset({"move", "reschedule", "postpone"})


def designed_functions(assignment: Assignment) -> tuple[Function, ...]:
    """The functions of a module."""
    if assignment.module.module_type is ModuleType.WEB_INTERFACE:
        return (_groups(assignment),)
    if is_facade(assignment):
        return designed_facade(assignment)
    designed: dict[str, Function] = {}
    for function in _kept(assignment, thing_of(assignment)):
        designed.setdefault(function.name, function)
    return tuple(designed.values())[:_MOST_FUNCTIONS]


def _groups(assignment: Assignment) -> Function:
    purpose = "Give the groups of rows that the page shows, narrowed to what holds the text."
    text = Parameter("text", "str", '""')
    return Function(f"{assignment.module.stem}_groups", (text,), "list", purpose, Archetype.GROUPS)


def _kept(assignment: Assignment, thing: Thing) -> Iterator[Function]:
    """The functions of a module that keeps things; in any case they are made, given and listed."""
    making = (*thing.links, *thing.fields)
    yield Function(thing.creator_name, making, "dict", thing.making, Archetype.CREATE)
    given = f"Give the {spoken(thing.name)} with this id."
    yield Function(f"get_{thing.name}", (thing.id,), "dict", given, Archetype.GET)
    narrowed = (Parameter(thing.owner, "int | None", "None"),) if thing.owner else ()
    listed = f"List the {spoken(thing.many)}{_narrowed(thing)}."
    yield Function(f"list_{thing.many}", narrowed, "list", listed, Archetype.LIST)
    for action in assignment.description.actions:
        if action.verb != thing.maker:
            yield from _done(action, thing, narrowed)


def _narrowed(thing: Thing) -> str:
    return f", or those of one {spoken(thing.owner.removesuffix('_id'))}" if thing.owner else ""


def _done(action: Action, thing: Thing, narrowed: tuple[Parameter, ...]) -> Iterator[Function]:
    verb, many = action.verb, thing.many
    shown = spoken(many)
    match VERBS.get(verb, Archetype.CHANGE_STATE):
        case Archetype.CREATE | Archetype.GET | Archetype.LIST | Archetype.HEALTH | Archetype.GROUPS:
            return
        case Archetype.FIND | Archetype.SEARCH:
            yield from _found(action, thing)
        case Archetype.RANK:
            best = f"List the {shown} that rank highest."
            limit = Parameter("limit", "int", "10")
            yield Function(f"{verb}_{many}", (limit,), "list", best, Archetype.RANK)
        case Archetype.COUNT:
            yield Function(f"{verb}_{many}", (), "int", f"Count the {shown}.", Archetype.COUNT)
        case Archetype.TOTAL:
            summed = f"Give what the {shown} come to{_narrowed(thing)}."
            yield Function(f"{verb}_{many}", narrowed, "float", summed, Archetype.TOTAL)
        case Archetype.SUMMARY | Archetype.OVERVIEW as kind:
            summed = f"Give the count and the sums of the {shown}."
            name = f"{verb if kind is Archetype.SUMMARY else 'summarize'}_{many}"
            yield Function(name, (), "dict", summed, Archetype.SUMMARY)
        case Archetype.EXPORT:
            yield Function(f"{verb}_{many}", (), "str", f"Give the {shown} as Markdown.", Archetype.EXPORT)
        case Archetype.REMOVE:
            gone = f"{verb.capitalize()} the {spoken(thing.name)} and give it back."
            yield Function(f"{verb}_{thing.name}", (thing.id,), "dict", gone, Archetype.REMOVE)
        case Archetype.TRACK:
            seen = f"Give the status of the {spoken(thing.name)} and those before it."
            name = f"{'track' if verb in ('status', 'history') else verb}_{thing.name}"
            yield Function(name, (thing.id,), "dict", seen, Archetype.TRACK)
        case Archetype.VOTE:
            more = f"Count one more {verb} of the {spoken(thing.name)}."
            yield Function(f"{verb}_{thing.name}", (thing.id,), "dict", more, Archetype.VOTE)
        case Archetype.TAKE | Archetype.REFILL as kind:
            yield _taken(action, thing, kind)
        case Archetype.UPDATE:
            yield _updated(action, thing)
        case _:
            yield _moved_on(verb, thing)


def _found(action: Action, thing: Thing) -> Iterator[Function]:
    known = [field for key in action.keys if (field := thing.field(key))]
    shown = spoken(thing.many)
    if action.verb == "find" and known:
        for field in known:
            by = f"_by_{field.name}" if len(known) > 1 else ""
            if field.name in UNIQUE_FIELDS:
                one = f"Find the {spoken(thing.name)} with this {spoken(field.name)}."
                yield Function(f"find_{thing.name}{by}", (field,), "dict | None", one, Archetype.FIND)
            else:
                some = f"Find the {shown} with this {spoken(field.name)}."
                yield Function(f"find_{thing.many}{by}", (field,), "list", some, Archetype.FIND)
        return
    where = f" in {enumeration([spoken(field.name) for field in known], 'or')}" if known else ""
    holding = f"List the {shown} that hold the text{where}, at most the limit."
    yield Function(f"{action.verb}_{thing.many}", (_TEXT, _LIMIT), "list", holding, Archetype.SEARCH)


def _taken(action: Action, thing: Thing, kind: Archetype) -> Function:
    field = thing.field(action.object) if action.object else None
    if not action.object and action.verb != "reserve":
        field = thing.number()
    if field is None or field.annotation not in ("int", "float"):
        return _moved_on(action.verb, thing)
    change = "off" if kind is Archetype.TAKE else "to"
    quantity = Parameter("quantity", field.annotation)
    return Function(
        f"{action.verb}_{field.name}",
        (thing.id, quantity),
        "dict",
        f"{'Take' if kind is Archetype.TAKE else 'Add'} a quantity {change} the {spoken(field.name)}.",
        kind,
    )


def _updated(action: Action, thing: Thing) -> Function:
    field = thing.field(action.object) if action.object else None
    if action.verb in _MOVING_VERBS and field is None:
        times = tuple(f for f in thing.fields if f.name in TIME_FIELDS)
        if not times:
            return _moved_on(action.verb, thing)
        moved = f"{action.verb.capitalize()} the {spoken(thing.name)} to another time."
        name = f"{action.verb}_{thing.name}"
        return Function(name, (thing.id, *times), "dict", moved, Archetype.UPDATE)
    if field is not None:
        changed = f"{action.verb.capitalize()} the {spoken(field.name)} of the {spoken(thing.name)}."
        name = f"{action.verb}_{field.name}"
        return Function(name, (thing.id, field), "dict", changed, Archetype.UPDATE)
    if not thing.fields:
        return _moved_on(action.verb, thing)
    anew = tuple(Parameter(f.name, f"{f.annotation} | None", "None") for f in thing.fields)
    changed = f"{action.verb.capitalize()} what is given of the {spoken(thing.name)}."
    return Function(f"{action.verb}_{thing.name}", (thing.id, *anew), "dict", changed, Archetype.UPDATE)


def _moved_on(verb: str, thing: Thing) -> Function:
    name = f"{verb}_{thing.name}"
    purpose = f"{verb.capitalize()} the {spoken(thing.name)}: its status is then {state(verb)}."
    return Function(name, (thing.id,), "dict", purpose, Archetype.CHANGE_STATE)
