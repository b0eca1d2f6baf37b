"""Where the keys of a TOML document stand: the parser of the standard library keeps no places."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence

__all__ = ["line_of"]

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE = re.compile(rf"\s*\[\s*({_NAME})\s*\]")
_TABLES = re.compile(rf"\s*\[\[\s*({_NAME})\s*\]\]")
_KEY = re.compile(rf"\s*({_NAME})\s*=")

_Location = tuple[int | str, ...]


def line_of(text: str, location: Sequence[int | str]) -> int:
    """The line of the key at `location` in the document `text`, or of the last on the way there; else 1."""
    lines: dict[_Location, int] = {}
    for line, found in _places(text):
        for length in range(1, len(found) + 1):
            lines.setdefault(found[:length], line)
    ways = (tuple(location[:length]) for length in range(len(location), 0, -1))
    return next((lines[way] for way in ways if way in lines), 1)


def _places(text: str) -> Iterator[tuple[int, _Location]]:
    """Every line with a key or the head of a table, and where in the document that is."""
    counts: Counter[_Location] = Counter()
    table: _Location = ()
    for line, words in enumerate(text.split("\n"), start=1):
        if found := _TABLES.match(words):
            name = _of_last(counts, found[1], including=False)
            table = (*name, counts[name])
            counts[name] += 1
        elif found := _TABLE.match(words):
            table = _of_last(counts, found[1], including=True)
        elif found := _KEY.match(words):
            yield line, (*table, *_parts(found[1]))
            continue
        else:
            continue
        yield line, table


def _of_last(counts: Counter[_Location], name: str, *, including: bool) -> _Location:
    """The table of this name: below a list of tables it belongs to the last of them."""
    place: _Location = ()
    parts = _parts(name)
    for number, part in enumerate(parts, start=1):
        place = (*place, part)
        if counts[place] and (including or number < len(parts)):
            place = (*place, counts[place] - 1)
    return place


def _parts(name: str) -> tuple[str, ...]:
    """The keys of a dotted name, as the parser reads them."""
    keys: list[str] = []
    inner: object = tomllib.loads(f"{name} = 0")
    while isinstance(inner, dict):
        ((key, inner),) = inner.items()
        keys.append(key)
    return tuple(keys)
