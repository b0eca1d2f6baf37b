"""A drift: one place where a blackboard in its file and its mirror in Redis are not the same.

What Python calls equal and JSON does not (1 and 1.0, 1 and true) is told apart, the order of keys counts, and
items of a list are matched by what they hold: one that is missing does not make all that follow look changed.
DeepDiff does none of the three, and gives up on long lists; nothing is given up here.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import zip_longest
from typing import Final

from async_arch.matching import longest_rise, matches
from async_arch.stored_document import dumped

__all__ = ["MISSING", "Drift", "DriftKind", "Missing", "find_drifts"]

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_DEEPEST = 100
"""Deeper than this, values are compared as a whole."""


class Missing(Enum):
    """What stands for a value where there is none."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


class DriftKind(StrEnum):
    """In what way the mirror differs from the file."""

    MISSING = "missing"
    """The file has it, Redis has not."""
    EXTRA = "extra"
    """Redis has it, the file has not."""
    CHANGED = "changed"
    """Both have it, with other values."""
    ORDER = "order"
    """Both have it, at another place among its siblings; the values are the places, counted from 0."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One drift: where, and what stands there in the file and in Redis."""

    kind: DriftKind
    path: str
    """As `agent_attempts[3].output`; items count as in the file, and those that are extra as in Redis."""
    file: object | Missing
    redis: object | Missing

    def as_json(self) -> dict[str, object]:
        """The drift as plain data; a value that is missing is left out."""
        values = {"file": self.file, "redis": self.redis}
        present = {name: value for name, value in values.items() if value is not MISSING}
        return {"kind": self.kind.value, "path": self.path, **present}


def find_drifts(file: Mapping[str, object], redis: Mapping[str, object]) -> list[Drift]:
    """Everything in which the documents differ; nothing where they are written down alike."""
    return list(_mappings("", file, redis, 0))


def _values(path: str, file: object, redis: object, depth: int) -> Iterator[Drift]:
    if depth < _DEEPEST and isinstance(file, Mapping) and isinstance(redis, Mapping):
        yield from _mappings(path, file, redis, depth)
    elif depth < _DEEPEST and isinstance(file, list) and isinstance(redis, list):
        yield from _lists(path, file, redis, depth)
    elif dumped(file) != dumped(redis):
        yield Drift(DriftKind.CHANGED, path, file, redis)


def _mappings(
    path: str, file: Mapping[str, object], redis: Mapping[str, object], depth: int
) -> Iterator[Drift]:
    places = {key: place for place, key in enumerate(redis)}
    common = [key for key in file if key in redis]
    staying = longest_rise([places[key] for key in common])
    moved = {key for index, key in enumerate(common) if index not in staying}
    for place, (key, value) in enumerate(file.items()):
        below = _below(path, key)
        if key not in redis:
            yield Drift(DriftKind.MISSING, below, value, MISSING)
            continue
        if key in moved:
            yield Drift(DriftKind.ORDER, below, place, places[key])
        yield from _values(below, value, redis[key], depth + 1)
    for key, value in redis.items():
        if key not in file:
            yield Drift(DriftKind.EXTRA, _below(path, key), MISSING, value)


def _lists(path: str, file: Sequence[object], redis: Sequence[object], depth: int) -> Iterator[Drift]:
    ours, theirs = [dumped(value) for value in file], [dumped(value) for value in redis]
    found = matches(theirs, ours)
    taken = {match for match in found if match is not None}
    left: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for index, text in enumerate(theirs):
        if index not in taken:
            left[text].append(index)
    moved: set[int] = set()
    for place, match in enumerate(found):
        if match is None and left.get(ours[place]):
            index = left[ours[place]].popleft()
            moved.add(place)
            taken.add(index)
            yield Drift(DriftKind.ORDER, f"{path}[{place}]", place, index)
    for places, indices in _gaps(found, moved, taken, len(redis)):
        for place, index in zip_longest(places, indices):
            if index is None:
                yield Drift(DriftKind.MISSING, f"{path}[{place}]", file[place], MISSING)
            elif place is None:
                yield Drift(DriftKind.EXTRA, f"{path}[{index}]", MISSING, redis[index])
            else:
                yield from _values(f"{path}[{place}]", file[place], redis[index], depth + 1)


def _gaps(
    found: Sequence[int | None], moved: set[int], taken: set[int], size: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Between items that are the same on both sides: the places of the others in the file and in Redis."""
    places: list[int] = []
    start = 0
    for place, match in enumerate([*found, size]):
        if match is not None:
            yield places, [index for index in range(start, match) if index not in taken]
            places, start = [], match + 1
        elif place not in moved:
            places.append(place)


def _below(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key
