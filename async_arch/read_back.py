"""Reading back what was written: does it lie in Redis as it was meant to?"""

from __future__ import annotations

from typing import Any

from async_arch.document_diff import Difference
from async_arch.document_writes import Write
from async_arch.redis_client import RedisConnection
from async_arch.redis_keys import RunKeys, member, section
from async_arch.stored_document import as_text

__all__ = ["not_as_written"]


class _Expected:
    """What is to be found after some writes: fields of hashes, whole hashes, entries of streams."""

    def __init__(self) -> None:
        self.fields: dict[str, dict[bytes, bytes | None]] = {}
        self.hashes: dict[str, dict[bytes, bytes]] = {}
        self.gone: list[tuple[str, bytes]] = []
        self.appended: dict[str, dict[bytes, list[bytes]]] = {}

    def field(self, suffix: str, name: bytes, value: bytes | None) -> None:
        self.fields.setdefault(suffix, {})[name] = value

    def add(self, write: Write) -> None:
        """Take in what `write` does, but for items, of which only the answer tells the ids."""
        name, *args = write.args
        content = section(as_text(name))
        match write.code, args:
            case b"N", [data]:
                self.field("sections", name, data)
            case b"Z", []:
                self.field("sections", name, None)
            case b"M", [key, data, _, *parts]:
                self.field(content, key, data)
                self.hashes[member(as_text(name), as_text(key))] = dict(
                    zip(parts[::2], parts[1::2], strict=True)
                )
            case b"U", [key]:
                self.field(content, key, None)
                self.hashes[member(as_text(name), as_text(key))] = {}
            case b"F", [key, field, data]:
                self.field(member(as_text(name), as_text(key)), field, data)
            case b"G", [key, field]:
                self.field(member(as_text(name), as_text(key)), field, None)
            case b"R", [ident]:
                self.gone.append((content, ident))


async def not_as_written(connection: RedisConnection, keys: RunKeys, done: Difference) -> list[str]:
    """What of `done` does not lie in Redis as written, by key and field; nothing where all of it does.

    Costs one round trip and as many bytes as were written.
    """
    expected = _Expected()
    for write in done.writes:
        expected.add(write)
    appends = [write for write in done.writes if write.code == b"A"]
    for write, item in zip(appends, done.appended, strict=True):
        stored = [b"p", write.args[1], b"v", write.args[2]]
        expected.appended.setdefault(section(as_text(write.args[0])), {})[item.ident] = stored
    found = iter(await connection.ask(lambda: _read(connection, keys, expected)))
    wrong: list[str] = []
    for suffix, fields in expected.fields.items():
        wrong += [
            f"{suffix} {as_text(name)}"
            for (name, value), there in zip(fields.items(), next(found), strict=True)
            if there != value
        ]
    wrong += [suffix for suffix, fields in expected.hashes.items() if next(found) != fields]
    wrong += [f"{suffix} {ident.decode()}" for suffix, ident in expected.gone if next(found)]
    for suffix, entries in expected.appended.items():
        there = {ident: [part for pair in fields.items() for part in pair] for ident, fields in next(found)}
        wrong += [
            f"{suffix} {ident.decode()}" for ident, stored in entries.items() if there.get(ident) != stored
        ]
    return wrong


async def _read(connection: RedisConnection, keys: RunKeys, expected: _Expected) -> list[Any]:
    async with connection.client.pipeline(transaction=False) as pipe:
        for suffix, fields in expected.fields.items():
            pipe.hmget(keys[suffix], list(fields))
        for suffix in expected.hashes:
            pipe.hgetall(keys[suffix])
        for suffix, ident in expected.gone:
            pipe.xrange(keys[suffix], ident, ident)
        for suffix, entries in expected.appended.items():
            # One script appended them all, so that nothing stands between the first and the last.
            first, *_ = idents = list(entries)
            pipe.xrange(keys[suffix], first, idents[-1])
        return await pipe.execute()
