"""The blackboard as it lies in Redis: sections of members and items, each with its place and its JSON text.

A document is any JSON object. Each of its top-level keys is a *section* of one of four kinds:

- a mapping has *members*; a member that is a non-empty object has *fields* of its own (a module, an API);
- a list has *items*, in Redis the entries of a stream;
- a set is a list of which a value that stands in it twice counts once, at its first place;
- a value is anything else, and lies with the section itself.

Whatever has an order carries a *place*, a whole number: Redis keeps hashes in no order, and tasks that run
beside each other are finished in any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

__all__ = [
    "Item",
    "Kind",
    "Member",
    "Stored",
    "StoredDocument",
    "StoredSection",
    "as_bytes",
    "as_text",
    "digest",
    "dumped",
]


# Made once: json.dumps makes an encoder for each value, which takes longer than writing a short one.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Kind(StrEnum):
    """How a section lies in Redis."""

    MAP = "map"
    LIST = "list"
    SET = "set"
    VALUE = "value"


def as_bytes(text: str) -> bytes:
    """`text` as Redis has it: also what is no Unicode text, since JSON can write half a surrogate pair."""
    return text.encode("utf-8", "surrogatepass")


def as_text(data: bytes) -> str:
    """The text that `as_bytes` made `data` of."""
    return data.decode("utf-8", "surrogatepass")


def dumped(value: object) -> bytes:
    """`value` as JSON in its shortest form; the order of keys is kept."""
    if type(value) is list and all(type(item) is str for item in value):
        # An encoder is made anew for every list, which takes longer than writing a few names.
        return as_bytes(f"[{','.join(map(_encoded, value))}]")
    return as_bytes(_encoded(value))


def digest(document: Mapping[str, object]) -> str:
    """The SHA-256 of a document, in hexadecimal: equal for documents that are written down alike."""
    return sha256(dumped(document)).hexdigest()


@dataclass(frozen=True, slots=True)
class Stored:
    """A JSON text and its place among its siblings; without text, the value is a mapping with fields."""

    place: int
    json: bytes = b""

    @classmethod
    def read(cls, data: bytes) -> Stored:
        """What `data` in Redis means."""
        place, _, text = data.partition(b" ")
        return cls(int(place), text)

    @property
    def data(self) -> bytes:
        """What is written to Redis."""
        return b"%d %b" % (self.place, self.json) if self.json else b"%d" % self.place


@dataclass(slots=True)
class Member:
    """A member of a mapping: a value, or fields."""

    stored: Stored
    fields: dict[bytes, Stored] = field(default_factory=dict)

    @property
    def value(self) -> object:
        """The member as plain data."""
        if self.stored.json:
            return json.loads(self.stored.json)
        return {as_text(name): json.loads(value.json) for name, value in _in_order(self.fields)}


@dataclass(slots=True)
class Item:
    """An item of a list; `ident` is the id of its entry in the stream, empty until the server gave one."""

    stored: Stored
    ident: bytes = b""


@dataclass(slots=True)
class StoredSection:
    """A section and what is in it; `json` is the text of a value, and empty otherwise."""

    place: int
    kind: Kind
    json: bytes = b""
    members: dict[bytes, Member] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)

    @classmethod
    def read(cls, data: bytes) -> StoredSection:
        """The section that `data` in Redis describes, without what is in it."""
        place, kind, *text = data.split(b" ", 2)
        return cls(int(place), Kind(kind.decode()), text[0] if text else b"")

    @property
    def data(self) -> bytes:
        """What is written to Redis to describe it."""
        head = b"%d %b" % (self.place, self.kind.encode())
        return b"%b %b" % (head, self.json) if self.json else head

    @property
    def value(self) -> object:
        """The section as plain data."""
        match self.kind:
            case Kind.MAP:
                ordered = sorted(self.members.items(), key=lambda member: member[1].stored.place)
                return {as_text(name): member.value for name, member in ordered}
            case Kind.VALUE:
                return json.loads(self.json)
            case Kind.LIST | Kind.SET:
                return json.loads(b"[" + b",".join(item.stored.json for item in self.visible_items) + b"]")

    @property
    def visible_items(self) -> list[Item]:
        """The items that count, in their order."""
        ordered = sorted(self.items, key=lambda item: item.stored.place)
        if self.kind is not Kind.SET:
            return ordered
        first: dict[bytes, Item] = {}
        for item in ordered:
            first.setdefault(item.stored.json, item)
        return list(first.values())


@dataclass(slots=True)
class StoredDocument:
    """A document as it lies in Redis, at one of its versions."""

    version: int = 0
    sections: dict[bytes, StoredSection] = field(default_factory=dict)
    versions: dict[bytes, int] = field(default_factory=dict)
    """How often each section was written."""

    @property
    def value(self) -> dict[str, object]:
        """The document as plain data."""
        ordered = sorted(self.sections.items(), key=lambda section: section[1].place)
        return {as_text(name): section.value for name, section in ordered}

    def other_sections(self, other: StoredDocument) -> list[str]:
        """The names of the sections that lie otherwise in `other`, or are in only one of the two."""
        names = {**self.sections, **other.sections}
        return [as_text(name) for name in names if self.sections.get(name) != other.sections.get(name)]


def _in_order(stored: Mapping[bytes, Stored]) -> list[tuple[bytes, Stored]]:
    return sorted(stored.items(), key=lambda pair: pair[1].place)
