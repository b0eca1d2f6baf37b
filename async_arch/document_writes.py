"""The writes that a document in Redis is changed by, each the call of one function in `lua/write.lua`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from async_arch.stored_document import Kind, Member, Stored, StoredSection, as_bytes, dumped

__all__ = [
    "Write",
    "append",
    "arguments",
    "drop_field",
    "drop_item",
    "drop_member",
    "drop_section",
    "event",
    "fill",
    "new_member",
    "new_section",
    "put_field",
    "put_member",
    "put_section",
    "put_value",
    "set_hash",
    "task_event",
]


class Write(NamedTuple):
    """One write: the letter of its function, and the arguments."""

    code: bytes
    args: tuple[bytes, ...]


def new_section(value: object, place: int) -> StoredSection:
    """A section that holds nothing yet, of the kind that `value` needs; a plain value is in it at once."""
    if isinstance(value, Mapping):
        return StoredSection(place, Kind.MAP)
    if isinstance(value, list):
        return StoredSection(place, Kind.LIST)
    return StoredSection(place, Kind.VALUE, dumped(value))


def new_member(value: object, place: int, gap: int = 1) -> Member:
    """A member of a mapping; the fields of an object stand `gap` apart."""
    if isinstance(value, Mapping) and value:
        fields = {
            as_bytes(name): Stored(number * gap, dumped(part))
            for number, (name, part) in enumerate(value.items())
        }
        return Member(Stored(place), fields)
    return Member(Stored(place, dumped(value)))


def put_section(name: bytes, section: StoredSection) -> Write:
    """There is a section of this name, as `section` describes it; what is in it is written otherwise."""
    return Write(b"N", (name, section.data))


def drop_section(name: bytes) -> Write:
    """The section and all that is in it is gone."""
    return Write(b"Z", (name,))


def fill(name: bytes, place: int, writes: Iterable[Write]) -> Write:
    """Empty the section and do `writes`, unless that was done already at a later place."""
    inner = arguments(writes)
    return Write(b"C", (name, b"%d" % place, b"%d" % len(inner), *inner))


def put_member(section: bytes, name: bytes, member: Member) -> Write:
    """The member as a whole, unless there is one of that name at a later place."""
    fields = [part for field, stored in member.fields.items() for part in (field, stored.data)]
    return Write(b"M", (section, name, member.stored.data, b"%d" % len(member.fields), *fields))


def put_value(section: bytes, name: bytes, value: object, place: int) -> Write:
    """The member that `new_member` makes of `value`, unless there is one of that name at a later place."""
    if not (isinstance(value, Mapping) and value):
        return Write(b"M", (section, name, b"%d %b" % (place, dumped(value)), b"0"))
    parts: list[bytes] = [section, name, b"%d" % place, b"%d" % len(value)]
    for number, (field, part) in enumerate(value.items()):
        parts += (as_bytes(field), b"%d %b" % (number, dumped(part)))
    return Write(b"M", tuple(parts))


def drop_member(section: bytes, name: bytes) -> Write:
    """The member is gone."""
    return Write(b"U", (section, name))


def put_field(section: bytes, member: bytes, name: bytes, stored: Stored) -> Write:
    """One field of a member that has fields."""
    return Write(b"F", (section, member, name, stored.data))


def drop_field(section: bytes, member: bytes, name: bytes) -> Write:
    """A field of a member is gone."""
    return Write(b"G", (section, member, name))


def append(section: bytes, stored: Stored) -> Write:
    """An item of a list; the answer to the writes tells the id of its entry."""
    return Write(b"A", (section, b"%d" % stored.place, stored.json))


def drop_item(section: bytes, ident: bytes) -> Write:
    """An item of a list is gone."""
    return Write(b"R", (section, ident))


def set_hash(suffix: str, name: bytes, value: bytes) -> Write:
    """A field of a hash that is no part of the document."""
    return Write(b"H", (suffix.encode(), name, value))


def task_event(kind: bytes, at: bytes, task: bytes) -> Write:
    """An event of a task with nothing more to tell, and a sign to whoever waits for one."""
    return Write(b"T", (kind, at, task))


def event(fields: Sequence[bytes]) -> Write:
    """An event of names and values in turns, and a sign to whoever waits for one."""
    return Write(b"E", (b"%d" % len(fields), *fields))


def arguments(writes: Iterable[Write]) -> list[bytes]:
    """The writes as the script takes them."""
    parts: list[bytes] = []
    for code, args in writes:
        parts.append(code)
        parts.extend(args)
    return parts
