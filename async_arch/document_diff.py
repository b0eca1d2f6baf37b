"""The difference between a document as it lies in Redis and what it is to be: writes for what changed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from async_arch.document_writes import (
    Write,
    append,
    drop_field,
    drop_item,
    drop_member,
    drop_section,
    new_member,
    new_section,
    put_field,
    put_member,
    put_section,
)
from async_arch.matching import longest_rise, matches
from async_arch.stored_document import (
    Item,
    Kind,
    Member,
    Stored,
    StoredDocument,
    StoredSection,
    as_bytes,
    dumped,
)

__all__ = ["Difference", "difference"]

_GAP = 1 << 20
"""How far apart new neighbours stand, so that others find room between them."""

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Difference:
    """The writes, and the document as it lies in Redis when they are done.

    Where `appended` stand in it, the ids of their entries come with the answer to the writes, in that order.
    """

    writes: list[Write]
    document: StoredDocument
    appended: list[Item]


def difference(before: StoredDocument, after: Mapping[str, object]) -> Difference:
    """What makes `after` of `before`, which is left as it is.

    The cost grows with the size of the documents, the number of writes with what differs. A value that only
    moved among its siblings is written once.
    """
    writes: list[Write] = []
    appended: list[Item] = []
    values = {as_bytes(name): value for name, value in after.items()}
    kept = {
        name: section
        for name, section in before.sections.items()
        if name in values and _fits(section, values[name])
    }
    places = _places(list(values), {name: section.place for name, section in kept.items()})
    writes += [drop_section(name) for name in before.sections if name not in kept]
    sections: dict[bytes, StoredSection] = {}
    for name, value in values.items():
        old = kept.get(name)
        section = new_section(value, places[name])
        if old is not None:
            section.kind = old.kind
        if old is None or old.data != section.data:
            writes.append(put_section(name, section))
        known = old or section
        if isinstance(value, Mapping):
            more, section.members = _map_difference(name, known.members, value)
            writes += more
        elif isinstance(value, list):
            more, section.items, fresh = _list_difference(name, known, value)
            writes += more
            appended += fresh
        sections[name] = section
    touched = {write.args[0] for write in writes}
    versions = {**before.versions, **{name: before.versions.get(name, 0) + 1 for name in touched}}
    document = StoredDocument(before.version + bool(writes), sections, versions)
    return Difference(writes, document, appended)


def _fits(section: StoredSection, value: object) -> bool:
    """Whether `value` can stay in the section, or needs one of another kind."""
    match section.kind:
        case Kind.MAP:
            return isinstance(value, Mapping)
        case Kind.LIST:
            return isinstance(value, list)
        case Kind.SET:
            return isinstance(value, list) and len({dumped(item) for item in value}) == len(value)
        case Kind.VALUE:
            return not isinstance(value, Mapping | list)


def _map_difference(
    section: bytes, before: Mapping[bytes, Member], after: Mapping[str, object]
) -> tuple[list[Write], dict[bytes, Member]]:
    values = {as_bytes(name): value for name, value in after.items()}
    writes = [drop_member(section, name) for name in before if name not in values]
    places = _places(list(values), {name: before[name].stored.place for name in values if name in before})
    members: dict[bytes, Member] = {}
    for name, value in values.items():
        old = before.get(name)
        member = new_member(value, places[name], _GAP)
        if old is not None and old.fields and member.fields and old.stored == member.stored:
            more, member.fields = _field_difference(section, name, old.fields, member.fields)
            writes += more
        elif old != member:
            if old is not None:
                # At its new place, which may be an earlier one, it would not be taken otherwise.
                writes.append(drop_member(section, name))
            writes.append(put_member(section, name, member))
        members[name] = member
    return writes, members


def _field_difference(
    section: bytes, member: bytes, before: Mapping[bytes, Stored], after: Mapping[bytes, Stored]
) -> tuple[list[Write], dict[bytes, Stored]]:
    writes = [drop_field(section, member, name) for name in before if name not in after]
    places = _places(list(after), {name: before[name].place for name in after if name in before})
    fields = {name: Stored(places[name], stored.json) for name, stored in after.items()}
    writes += [
        put_field(section, member, name, stored)
        for name, stored in fields.items()
        if before.get(name) != stored
    ]
    return writes, fields


def _list_difference(
    section: bytes, before: StoredSection, after: Sequence[object]
) -> tuple[list[Write], list[Item], list[Item]]:
    """The writes, the items there are then, and those of them that were appended."""
    shown, new = before.visible_items, [dumped(value) for value in after]
    found = matches([item.stored.json for item in shown], new)
    stay = {shown[match].ident: number for number, match in enumerate(found) if match is not None}
    places = _places(
        range(len(new)),
        {number: shown[match].stored.place for number, match in enumerate(found) if match is not None},
    )
    if any(item.ident in stay and item.stored.place != places[stay[item.ident]] for item in shown):
        # No room was left between neighbours: the list is written anew, with room.
        found, stay = [None] * len(new), {}
    # In a set, doubles of an item that stays change nothing; those of one that goes would come to light.
    staying = {item.stored.json for item in shown if item.ident in stay} if before.kind is Kind.SET else set()
    kept = [item for item in before.items if item.ident in stay or item.stored.json in staying]
    kept_ids = {item.ident for item in kept}
    fresh = [Item(Stored(places[number], new[number])) for number, match in enumerate(found) if match is None]
    writes = [drop_item(section, item.ident) for item in before.items if item.ident not in kept_ids]
    writes += [append(section, item.stored) for item in fresh]
    return writes, [*kept, *fresh], fresh


def _places(wanted: Sequence[T], before: Mapping[T, int]) -> dict[T, int]:
    """A place for each of `wanted`, rising; as many as can keep what they have `before`."""
    known = [name for name in wanted if name in before]
    rising = longest_rise([before[name] for name in known])
    stay = {name: before[name] for index, name in enumerate(known) if index in rising}
    places: dict[T, int] = {}
    waiting: list[T] = []
    low: int | None = None
    for name in wanted:
        if name not in stay:
            waiting.append(name)
            continue
        high = stay[name]
        if waiting:
            step = (high - low) // (len(waiting) + 1) if low is not None else _GAP
            if step < 1:
                return {each: number * _GAP for number, each in enumerate(wanted)}
            first = low + step if low is not None else high - len(waiting) * _GAP
            places.update((each, first + number * step) for number, each in enumerate(waiting))
            waiting = []
        places[name] = low = high
    first = 0 if low is None else low + _GAP
    places.update((each, first + number * _GAP) for number, each in enumerate(waiting))
    return places
