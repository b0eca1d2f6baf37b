"""Reading the document of a run, or some of its sections, as it is at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from async_arch.redis_client import RedisConnection, redacted
from async_arch.redis_keys import RunKeys
from async_arch.redis_scripts import READ
from async_arch.state_store import NoState
from async_arch.stored_document import Item, Kind, Member, Stored, StoredDocument, StoredSection, as_bytes

__all__ = ["read_document"]

T = TypeVar("T")


async def read_document(
    connection: RedisConnection, keys: RunKeys, sections: Sequence[str] = ()
) -> StoredDocument:
    """The document, or those of `sections` that are there.

    Raises `NoState` where the run has none, `StateUnavailable` where the server does not answer.
    """
    wanted = [as_bytes(name) for name in sections]
    reply = await connection.script(READ, keys["meta"], *wanted)
    if reply is None:
        raise NoState(f"run {keys.run} has no state in Redis at {redacted(connection.url)}")
    version, versions, described, contents = reply
    found: dict[bytes, StoredSection] = {}
    for (name, data), content in zip(_pairs(described), contents, strict=True):
        section = found[name] = StoredSection.read(data)
        if section.kind is Kind.MAP:
            members, fields = content
            fields_of = dict(_pairs(fields))
            for member, stored in _pairs(members):
                of_member = {field: Stored.read(text) for field, text in _pairs(fields_of.get(member, ()))}
                section.members[member] = Member(Stored.read(stored), of_member)
        elif section.kind is not Kind.VALUE:
            section.items = [Item(Stored(int(fields[1]), fields[3]), ident) for ident, fields in content]
    return StoredDocument(int(version), found, {name: int(count) for name, count in _pairs(versions)})


def _pairs(flat: Sequence[T]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)
